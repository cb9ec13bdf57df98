-- Every kind of object that a PostgreSQL database may hold, and values on which careless comparisons fail.
CREATE ROLE zoo_owner;
CREATE ROLE zoo_reader NOLOGIN;
CREATE ROLE "odd role; --" LOGIN CONNECTION LIMIT 3 VALID UNTIL '2031-01-01';
GRANT zoo_reader TO "odd role; --" WITH ADMIN OPTION;
GRANT pg_monitor TO zoo_owner;
ALTER ROLE zoo_reader SET statement_timeout = '5s';

CREATE EXTENSION pg_trgm;
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION btree_gist;

CREATE SCHEMA "Sales Dept" AUTHORIZATION zoo_owner;
CREATE SCHEMA audit;
GRANT USAGE ON SCHEMA audit TO zoo_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA audit GRANT SELECT ON TABLES TO zoo_reader;

CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE address AS (street text, number numeric);
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN very_positive AS positive CHECK (VALUE > 10);
CREATE DOMAIN share AS numeric(5, 2);

CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    kind varchar(10) DEFAULT 'plain' CHECK (kind IN ('plain', 'gold', 'late')),
    email citext UNIQUE,
    full_name text GENERATED ALWAYS AS (upper(name)) STORED,
    created timestamptz DEFAULT '2026-01-02 03:04:05+02'
);
COMMENT ON TABLE customers IS 'who buys';
COMMENT ON COLUMN customers.name IS 'as they say it';
INSERT INTO customers (name, kind, email) SELECT 'customer ' || i, 'gold', 'C' || i || '@example.org' FROM generate_series(1, 500) i;

CREATE TABLE orders (
    id serial PRIMARY KEY,
    customer bigint REFERENCES customers ON DELETE CASCADE,
    amount numeric(12, 2) NOT NULL DEFAULT 9.99,
    placed date DEFAULT '2026-03-04'
);
INSERT INTO orders (customer, amount) SELECT 1 + i % 500, i * 1.5 FROM generate_series(1, 2000) i;
CREATE INDEX orders_customer_idx ON orders (customer) WHERE amount > 0;
CREATE INDEX customers_name_trgm ON customers USING gin (name gin_trgm_ops);
GRANT SELECT, INSERT ON orders TO zoo_reader;
GRANT UPDATE (amount) ON orders TO "odd role; --";
ALTER TABLE orders ADD CONSTRAINT amount_sane CHECK (amount < 1000000) NOT VALID;
CREATE STATISTICS orders_statistics ON customer, amount FROM orders;

CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
-- Name: not an object; Type: TABLE; Schema: public; Owner: nobody
BEGIN
    RETURN NEW;
END $$;
CREATE TRIGGER orders_audit BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TRIGGER orders_sleeping BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION note_change();
ALTER TABLE orders DISABLE TRIGGER orders_sleeping;
CREATE FUNCTION atomic(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT a + 1; END;
CREATE PROCEDURE nothing() LANGUAGE plpgsql AS 'BEGIN END';
CREATE AGGREGATE product (numeric) (SFUNC = numeric_mul, STYPE = numeric, INITCOND = '1');

CREATE TABLE secrets (id int, owner name DEFAULT current_user);
ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_only ON secrets TO zoo_reader USING (owner = current_user);
INSERT INTO secrets VALUES (1, 'zoo_reader'), (2, 'zoo_owner');

CREATE TABLE "odd ""table"".name; --" ("ODD col%umn" text, "t" int, "a.b" int);
INSERT INTO "odd ""table"".name; --" VALUES ('tab' || chr(9) || 'quote '' backslash \ newline' || chr(10) || '%s', 1, NULL), (NULL, NULL, 2);
ALTER TABLE "odd ""table"".name; --" OWNER TO "odd role; --";

CREATE TABLE values_of_all_types (
    j json, jb jsonb, x xml, p point, b box, m money, n numeric, f float8, r real, i interval, tz timetz, bits varbit(9),
    addr inet, net cidr, mac macaddr, u uuid, bin bytea, c char(5), e mood, comp address, dom very_positive, sh share,
    ai int[], ae mood[], ac address[], rng int4range, mr nummultirange, ts tsvector, h hstore, ci citext, "char" "char",
    cls regclass, proc regprocedure, o oid, lsn pg_lsn, boo bool, t3 time(3), big text
);
INSERT INTO values_of_all_types VALUES
    ('{"a":  1.0}', '{"a": 1.0}', '<a> b</a>', '(1,-0)', '(1,1),(0,0)', 12.5, 1.00, '-0', 'NaN', '1 mon', '12:00+02', B'101',
     '10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03', gen_random_uuid(), '\x00ff', 'ab', 'happy', ROW('x', 1.10), 11, 1.50,
     '[0:1]={1,2}', '{sad,ok}', ARRAY[ROW('y', 2)::address], '[1,5)', '{[1,2)}', 'a fat cat', 'a=>1,b=>NULL', 'MiXed', 'z',
     'customers', 'atomic(int)', 77, '0/16B3748', true, '01:02:03.456', repeat(md5('a'), 4000)),
    (NULL, 'null', NULL, NULL, NULL, -0.5, 1.0, 'Infinity', '1e-30', '30 days', NULL, B'', NULL, NULL, NULL, NULL, '', '', 'sad',
     NULL, NULL, 0, '{}', '{NULL}', NULL, 'empty', NULL, '', '', '', '', NULL, NULL, NULL, NULL, false, NULL, '');
INSERT INTO values_of_all_types (n) VALUES ('NaN'), (1e300), (0.000000000001);

CREATE TABLE parts (id int, region text, made date) PARTITION BY LIST (region);
CREATE TABLE parts_eu PARTITION OF parts FOR VALUES IN ('at', 'de') PARTITION BY RANGE (made);
CREATE TABLE parts_eu_old PARTITION OF parts_eu FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
CREATE TABLE parts_eu_new PARTITION OF parts_eu FOR VALUES FROM ('2026-01-01') TO (MAXVALUE);
CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
CREATE INDEX parts_made ON parts (made);
INSERT INTO parts SELECT i, (ARRAY['at', 'de', 'us'])[1 + i % 3], '2025-12-01'::date + i % 60 FROM generate_series(1, 300) i;

CREATE TABLE parent (a int, b text);
CREATE TABLE child (own int, b text) INHERITS (parent);
ALTER TABLE parent ADD COLUMN later text DEFAULT 'later';
INSERT INTO parent VALUES (1, 'p');
INSERT INTO child (a, b, own) VALUES (2, 'c', 3);

CREATE TABLE dropped (a int, gone text, b int);
INSERT INTO dropped VALUES (1, 'x', 2);
ALTER TABLE dropped DROP COLUMN gone;
CREATE TABLE no_columns ();
INSERT INTO no_columns DEFAULT VALUES;
CREATE TABLE empty (id int PRIMARY KEY);
CREATE TABLE without_key (a text);
INSERT INTO without_key VALUES ('twice'), ('twice'), (NULL);
CREATE UNLOGGED TABLE unlogged (a int);
INSERT INTO unlogged VALUES (1);
CREATE TABLE "Sales Dept"."Targets" (id int PRIMARY KEY, during tsrange, EXCLUDE USING gist (id WITH =, during WITH &&));
ALTER TABLE "Sales Dept"."Targets" OWNER TO zoo_owner;
DO $$ BEGIN
    EXECUTE (SELECT 'CREATE TABLE audit.wide (' || string_agg(format('c%s %s', i, CASE WHEN i % 3 = 0 THEN 'numeric' ELSE 'int' END), ', ')
             || ')' FROM generate_series(1, 200) i);
END $$;
INSERT INTO audit.wide (c1, c3, c200) SELECT i, i / 7.0, -i FROM generate_series(1, 50) i;

CREATE VIEW gold AS SELECT * FROM customers WHERE kind IN ('gold') WITH LOCAL CHECK OPTION;
CREATE MATERIALIZED VIEW totals AS SELECT customer, sum(amount) FROM orders GROUP BY 1;
CREATE UNIQUE INDEX totals_customer ON totals (customer);
CREATE RULE no_delete AS ON DELETE TO without_key DO INSTEAD NOTHING;
CREATE SEQUENCE counter INCREMENT BY -5 START -7 MAXVALUE -1;
SELECT nextval('counter'), nextval('counter');
CREATE SEQUENCE untouched;
CREATE SEQUENCE around MAXVALUE 3 CYCLE;
SELECT nextval('around') FROM generate_series(1, 4);
CREATE COLLATION plain FROM "C";
CREATE CAST (address AS text) WITH INOUT;
CREATE FUNCTION event_note() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watch_ddl ON sql_drop EXECUTE FUNCTION event_note();
CREATE PUBLICATION changes FOR TABLE orders, customers;
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER far FOREIGN DATA WRAPPER nowhere OPTIONS (place 'far away');
CREATE FOREIGN TABLE far_table (a int) SERVER far;
CREATE TEXT SEARCH CONFIGURATION plain_english (COPY = english);

SELECT lo_from_bytea(4711, decode(repeat('00ff10', 3000), 'hex'));
SELECT lo_from_bytea(4712, '');
SELECT lo_put(lo_create(4713), 100000, 'after a hole');
COMMENT ON LARGE OBJECT 4711 IS 'a picture';
GRANT SELECT ON LARGE OBJECT 4711 TO zoo_reader;
ALTER DATABASE zoo SET default_transaction_read_only = off;
ALTER DATABASE zoo SET work_mem = '5MB';
ALTER ROLE zoo_reader IN DATABASE zoo SET work_mem = '6MB';
GRANT CONNECT ON DATABASE zoo TO zoo_reader;
COMMENT ON DATABASE zoo IS 'one of each';
