--
-- PostgreSQL database dump
--

\restrict wnmY4mouiFyqgiyNaC9pm5ytnBMGIPHghNVuxBzX6WPyuxSFAsMFKiTovhok8E6

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: dbz_marker; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.dbz_marker (
    id integer NOT NULL
);


ALTER TABLE public.dbz_marker OWNER TO postgres;

--
-- Name: full_ids; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.full_ids (
    id integer NOT NULL,
    v text
);

ALTER TABLE ONLY public.full_ids REPLICA IDENTITY FULL;


ALTER TABLE public.full_ids OWNER TO postgres;

--
-- Name: ids; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.ids (
    id integer NOT NULL,
    v text
);

ALTER TABLE ONLY public.ids REPLICA IDENTITY FULL;


ALTER TABLE public.ids OWNER TO postgres;

--
-- Name: indexed; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.indexed (
    id integer NOT NULL,
    code text NOT NULL,
    v text
);


ALTER TABLE public.indexed OWNER TO postgres;

--
-- Name: phoenix; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.phoenix (
    id integer NOT NULL,
    v text
);


ALTER TABLE public.phoenix OWNER TO postgres;

--
-- Name: phoenix_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

CREATE SEQUENCE public.phoenix_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE public.phoenix_id_seq OWNER TO postgres;

--
-- Name: phoenix_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: postgres
--

ALTER SEQUENCE public.phoenix_id_seq OWNED BY public.phoenix.id;


--
-- Name: reloaded; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.reloaded (
    id integer NOT NULL,
    v text
);


ALTER TABLE public.reloaded OWNER TO postgres;

--
-- Name: shifted; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.shifted (
    list integer NOT NULL,
    pos integer NOT NULL,
    item text
);

ALTER TABLE ONLY public.shifted REPLICA IDENTITY FULL;


ALTER TABLE public.shifted OWNER TO postgres;

--
-- Name: swapped; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.swapped (
    id integer NOT NULL,
    v text
);

ALTER TABLE ONLY public.swapped REPLICA IDENTITY FULL;


ALTER TABLE public.swapped OWNER TO postgres;

--
-- Name: phoenix id; Type: DEFAULT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.phoenix ALTER COLUMN id SET DEFAULT nextval('public.phoenix_id_seq'::regclass);


--
-- Name: dbz_marker dbz_marker_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.dbz_marker
    ADD CONSTRAINT dbz_marker_pkey PRIMARY KEY (id);


--
-- Name: full_ids full_ids_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.full_ids
    ADD CONSTRAINT full_ids_pkey PRIMARY KEY (id) DEFERRABLE;


--
-- Name: ids ids_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.ids
    ADD CONSTRAINT ids_pkey PRIMARY KEY (id) DEFERRABLE;


--
-- Name: indexed indexed_code_key; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.indexed
    ADD CONSTRAINT indexed_code_key UNIQUE (code);

ALTER TABLE ONLY public.indexed REPLICA IDENTITY USING INDEX indexed_code_key;


--
-- Name: indexed indexed_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.indexed
    ADD CONSTRAINT indexed_pkey PRIMARY KEY (id);


--
-- Name: phoenix phoenix_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.phoenix
    ADD CONSTRAINT phoenix_pkey PRIMARY KEY (id);


--
-- Name: reloaded reloaded_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.reloaded
    ADD CONSTRAINT reloaded_pkey PRIMARY KEY (id);


--
-- Name: shifted shifted_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.shifted
    ADD CONSTRAINT shifted_pkey PRIMARY KEY (list, pos) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: swapped swapped_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.swapped
    ADD CONSTRAINT swapped_pkey PRIMARY KEY (id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: dbz_pub; Type: PUBLICATION; Schema: -; Owner: postgres
--

CREATE PUBLICATION dbz_pub FOR ALL TABLES WITH (publish = 'insert, update, delete, truncate');


ALTER PUBLICATION dbz_pub OWNER TO postgres;

--
-- PostgreSQL database dump complete
--

\unrestrict wnmY4mouiFyqgiyNaC9pm5ytnBMGIPHghNVuxBzX6WPyuxSFAsMFKiTovhok8E6

