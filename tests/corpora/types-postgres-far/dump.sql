CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA public;
COMMENT ON EXTENSION hstore IS 'data type for storing sets of (key, value) pairs';
CREATE DOMAIN public.price AS numeric(10,2);
CREATE DOMAIN public.discount AS public.price;
CREATE TABLE public.dbz_marker (
    id integer NOT NULL
);
CREATE TABLE public.p_array (
    id integer NOT NULL,
    c_nu numeric[],
    c_n numeric(10,2)[],
    c_d date[],
    c_ts timestamp(3) without time zone[],
    c_t3 time(3) without time zone[],
    c_hs public.hstore[],
    c_t text[],
    c_u uuid[]
);
CREATE TABLE public.p_far (
    id integer NOT NULL,
    c_d date,
    c_ts timestamp without time zone,
    c_ts3 timestamp(3) without time zone,
    c_tz timestamp with time zone
);
CREATE TABLE public.p_large (
    id integer NOT NULL,
    c_s integer,
    c_u uuid[],
    c_h public.hstore,
    c_b bytea,
    c_j jsonb,
    c_i integer[]
);
ALTER TABLE ONLY public.p_large ALTER COLUMN c_u SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.p_large ALTER COLUMN c_h SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.p_large ALTER COLUMN c_b SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.p_large ALTER COLUMN c_j SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.p_large ALTER COLUMN c_i SET STORAGE EXTERNAL;
CREATE TABLE public.p_number (
    id integer NOT NULL,
    c_u numeric,
    c_40 numeric(40,20),
    c_38 numeric(38,38),
    c_disc public.discount,
    c_gen integer GENERATED ALWAYS AS ((id * 2)) STORED
);
ALTER TABLE ONLY public.dbz_marker
    ADD CONSTRAINT dbz_marker_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.p_array
    ADD CONSTRAINT p_array_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.p_far
    ADD CONSTRAINT p_far_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.p_large
    ADD CONSTRAINT p_large_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.p_number
    ADD CONSTRAINT p_number_pkey PRIMARY KEY (id);
CREATE PUBLICATION dbz_pub FOR ALL TABLES WITH (publish = 'insert, update, delete, truncate');
