CREATE TABLE `added` (
  `id` int(11) NOT NULL,
  `kind` enum('first','second') NOT NULL,
  `v` int(11) NOT NULL,
  `flag` bit(3) NOT NULL,
  `word` varchar(20) DEFAULT 'it''s, "so"',
  `twice` int(11) GENERATED ALWAYS AS (`v` * 2) STORED,
  `label` varchar(9) NOT NULL COMMENT 'a, b) `c`',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `narrowed` (
  `id` int(11) NOT NULL,
  `amt` decimal(12,4) DEFAULT NULL,
  `at` datetime(6) DEFAULT NULL,
  `t` time(6) DEFAULT NULL,
  `n` varchar(20) DEFAULT NULL,
  `word` varchar(60) DEFAULT NULL,
  `size` set('l','m','s') DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `ours` (
  `id` int(11) NOT NULL,
  `v` varchar(20) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `rekeyed` (
  `id` int(11) NOT NULL,
  `note` int(11) NOT NULL,
  `amt` int(11) NOT NULL,
  `v` varchar(20) DEFAULT NULL,
  PRIMARY KEY (`id`,`amt`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `swapped` (
  `id` int(11) NOT NULL,
  `b` int(11) DEFAULT NULL,
  `a` int(11) DEFAULT NULL,
  `note` varchar(20) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `taken` (
  `qty` int(11) NOT NULL,
  `id` int(11) NOT NULL,
  `doc` timestamp NULL DEFAULT NULL,
  `note` bigint(20) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `theirs` (
  `id` int(11) NOT NULL,
  `v` varchar(20) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
