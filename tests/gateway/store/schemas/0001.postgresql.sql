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
CREATE TABLE public.account (
    im character varying(512) NOT NULL,
    name text NOT NULL,
    kind character varying(16) NOT NULL,
    room character varying(512) NOT NULL,
    seen_at bigint NOT NULL
);
CREATE TABLE public.ack (
    target text NOT NULL,
    record text NOT NULL,
    field text NOT NULL,
    version bigint NOT NULL,
    heads text NOT NULL
);
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.alert (
    id character varying(64) NOT NULL,
    rule character varying(32) NOT NULL,
    record character varying(512) NOT NULL,
    subject character varying(256) NOT NULL,
    state character varying(16) NOT NULL,
    since bigint NOT NULL,
    by character varying(64) NOT NULL,
    until bigint NOT NULL,
    trace character varying(64) NOT NULL
);
CREATE TABLE public.choice (
    room character varying(512) NOT NULL,
    name character varying(512) NOT NULL,
    record character varying(512) NOT NULL,
    by character varying(64) NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE public.common_name (
    name character varying(512) NOT NULL,
    state character varying(16) NOT NULL,
    by character varying(128) NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE public.conflict (
    id character varying(32) NOT NULL,
    record text NOT NULL,
    field text NOT NULL,
    opened_at bigint NOT NULL,
    closed_at bigint,
    closed_by character varying(32)
);
CREATE TABLE public.counter (
    name character varying(64) NOT NULL,
    n bigint NOT NULL
);
CREATE TABLE public.daily_root (
    day character varying(10) NOT NULL,
    at bigint NOT NULL,
    document text NOT NULL
);
CREATE TABLE public.decision (
    shard integer NOT NULL,
    seq bigint NOT NULL,
    id character varying(32) NOT NULL,
    record text NOT NULL,
    field text NOT NULL,
    cause character varying(16) NOT NULL,
    cause_edit character varying(64),
    policy text NOT NULL,
    policy_hash character varying(64) NOT NULL,
    engine character varying(16) NOT NULL,
    inputs_digest character varying(64) NOT NULL,
    reason character varying(16) NOT NULL,
    winner character varying(64),
    heads text NOT NULL,
    why text NOT NULL,
    conflict boolean NOT NULL,
    proposals text NOT NULL,
    base character varying(64),
    value_mac character varying(64) NOT NULL,
    standing character varying(64),
    at bigint NOT NULL,
    prev_hash character varying(64) NOT NULL,
    hash character varying(64) NOT NULL
);
CREATE TABLE public.due (
    key character varying(256) NOT NULL,
    kind character varying(32) NOT NULL,
    at bigint NOT NULL,
    payload text NOT NULL,
    leased_until bigint NOT NULL
);
CREATE TABLE public.edit (
    id character varying(64) NOT NULL,
    record text NOT NULL,
    field text NOT NULL,
    n bigint NOT NULL,
    kind character varying(16) NOT NULL,
    value character varying(64),
    value_mac character varying(64) NOT NULL,
    system text NOT NULL,
    surface text NOT NULL,
    source_version text NOT NULL,
    instance text NOT NULL,
    actor_kind character varying(16) NOT NULL,
    actor text NOT NULL,
    parents text NOT NULL,
    stream text,
    watermark bigint,
    source_time bigint,
    ingest_time bigint NOT NULL,
    effective_time bigint NOT NULL,
    skewed boolean NOT NULL,
    once text NOT NULL,
    payload_hash character varying(64) NOT NULL,
    trace text NOT NULL,
    binding boolean NOT NULL,
    quarantined boolean NOT NULL,
    decision character varying(32) NOT NULL
);
CREATE TABLE public.feed (
    crm character varying(64) NOT NULL,
    cursor text NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE public.field_state (
    record text NOT NULL,
    field text NOT NULL,
    n bigint NOT NULL,
    inputs bytea NOT NULL,
    policy_hash character varying(64) NOT NULL,
    heads text NOT NULL,
    proposals text NOT NULL,
    streams text NOT NULL,
    tidy boolean NOT NULL,
    decision character varying(32) NOT NULL,
    decided_at bigint NOT NULL,
    standing character varying(64),
    standing_value character varying(64),
    standing_image character varying(64) NOT NULL,
    conflict character varying(32)
);
CREATE TABLE public.floatcard_meta (
    key character varying(64) NOT NULL,
    value text NOT NULL
);
CREATE TABLE public.floated (
    room character varying(512) NOT NULL,
    record character varying(512) NOT NULL,
    at bigint NOT NULL,
    slot character varying(64) NOT NULL
);
CREATE TABLE public.inbox (
    once text NOT NULL,
    payload_hash character varying(64) NOT NULL,
    edit character varying(64) NOT NULL,
    decision character varying(32) NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE public.job (
    id bigint NOT NULL,
    topic character varying(32) NOT NULL,
    lane character varying(512) NOT NULL,
    once character varying(512) NOT NULL,
    body bytea NOT NULL,
    tries integer NOT NULL,
    state character varying(16) NOT NULL,
    why text NOT NULL,
    at bigint NOT NULL
);
CREATE SEQUENCE public.job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.job_id_seq OWNED BY public.job.id;
CREATE TABLE public.lease (
    name character varying(128) NOT NULL,
    owner character varying(64) NOT NULL,
    fence bigint NOT NULL,
    until bigint NOT NULL
);
CREATE TABLE public.lesson (
    id character varying(64) NOT NULL,
    name character varying(512) NOT NULL,
    room character varying(512) NOT NULL,
    message character varying(512) NOT NULL,
    record character varying(512) NOT NULL,
    kind character varying(16) NOT NULL,
    by character varying(64) NOT NULL,
    at bigint NOT NULL,
    ended_at bigint,
    ended_by character varying(128) NOT NULL
);
CREATE TABLE public.link (
    id character varying(64) NOT NULL,
    person character varying(64) NOT NULL,
    kind character varying(16) NOT NULL,
    key character varying(512) NOT NULL,
    step character varying(32) NOT NULL,
    evidence text NOT NULL,
    made_by character varying(128) NOT NULL,
    at bigint NOT NULL,
    verified_at bigint NOT NULL,
    ended_at bigint,
    ended_by character varying(128) NOT NULL
);
CREATE TABLE public.link_code (
    hash character varying(64) NOT NULL,
    im character varying(512) NOT NULL,
    expires bigint NOT NULL,
    used_at bigint
);
CREATE TABLE public.login (
    hash character varying(64) NOT NULL,
    kind character varying(16) NOT NULL,
    person character varying(64) NOT NULL,
    expires bigint NOT NULL,
    used_at bigint
);
CREATE TABLE public.member (
    room character varying(512) NOT NULL,
    im character varying(512) NOT NULL,
    name text NOT NULL,
    kind character varying(16) NOT NULL
);
CREATE TABLE public.mirror (
    ref character varying(512) NOT NULL,
    crm character varying(64) NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    deleted boolean NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE public.named (
    room character varying(512) NOT NULL,
    record character varying(512) NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE public.outbox (
    id character varying(64) NOT NULL,
    target text NOT NULL,
    record text NOT NULL,
    field text NOT NULL,
    value character varying(64),
    image character varying(64) NOT NULL,
    decision character varying(32) NOT NULL,
    heads text NOT NULL,
    label text NOT NULL,
    state character varying(16) NOT NULL,
    precondition bigint,
    tries integer NOT NULL,
    due_at bigint NOT NULL,
    lease bigint NOT NULL,
    owner character varying(64) NOT NULL,
    version bigint,
    overwrote_unseen boolean NOT NULL,
    why text NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE public.person (
    id character varying(64) NOT NULL,
    name text NOT NULL,
    roles text NOT NULL,
    team character varying(128) NOT NULL,
    region character varying(128) NOT NULL,
    external boolean NOT NULL,
    active boolean NOT NULL,
    locale character varying(16) NOT NULL,
    zone character varying(64) NOT NULL,
    emails text NOT NULL
);
CREATE TABLE public.policy_used (
    hash character varying(64) NOT NULL,
    document text NOT NULL
);
CREATE TABLE public.rendering (
    record text NOT NULL,
    field text NOT NULL,
    target text NOT NULL,
    "position" bigint NOT NULL,
    raw character varying(64) NOT NULL,
    seen character varying(64) NOT NULL,
    written character varying(64) NOT NULL,
    last_edit character varying(64),
    acked text NOT NULL,
    fights integer NOT NULL,
    fought text NOT NULL,
    automation text NOT NULL
);
CREATE TABLE public.room (
    key character varying(512) NOT NULL,
    title text NOT NULL,
    kind character varying(16) NOT NULL,
    external boolean NOT NULL,
    complete boolean NOT NULL,
    rostered_at bigint NOT NULL,
    quiet_until bigint NOT NULL,
    told_at bigint NOT NULL,
    locale character varying(16) NOT NULL
);
CREATE TABLE public.room_mentioning (
    room character varying(512) NOT NULL,
    record character varying(512) NOT NULL,
    by character varying(64) NOT NULL,
    at bigint NOT NULL,
    budget integer
);
CREATE TABLE public.seen (
    once character varying(512) NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE public.shard_head (
    shard integer NOT NULL,
    seq bigint NOT NULL,
    hash character varying(64) NOT NULL
);
CREATE TABLE public.slot (
    id character varying(64) NOT NULL,
    place character varying(512) NOT NULL,
    room character varying(512) NOT NULL,
    purpose character varying(16) NOT NULL,
    subject character varying(512) NOT NULL,
    message text,
    digest character varying(64) NOT NULL,
    audience character varying(64) NOT NULL,
    valid_until bigint,
    painted_at bigint NOT NULL,
    state text NOT NULL
);
CREATE TABLE public.slot_record (
    slot character varying(64) NOT NULL,
    record character varying(512) NOT NULL
);
CREATE TABLE public.subject_key (
    subject text NOT NULL,
    wrapped bytea,
    erased_at bigint
);
CREATE TABLE public.token (
    hash character varying(64) NOT NULL,
    name character varying(128) NOT NULL,
    scopes text NOT NULL,
    system character varying(64) NOT NULL,
    surface character varying(64) NOT NULL,
    person character varying(64) NOT NULL,
    actors text NOT NULL,
    at bigint NOT NULL,
    ended_at bigint
);
CREATE TABLE public.trail (
    id bigint NOT NULL,
    turn character varying(64) NOT NULL,
    at bigint NOT NULL,
    room character varying(512) NOT NULL,
    step character varying(32) NOT NULL,
    facts text NOT NULL
);
CREATE SEQUENCE public.trail_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.trail_id_seq OWNED BY public.trail.id;
CREATE TABLE public.value (
    id character varying(64) NOT NULL,
    subject text NOT NULL,
    ciphertext bytea NOT NULL
);
CREATE TABLE public.watermark (
    source text NOT NULL,
    stream text NOT NULL,
    record text NOT NULL,
    low bigint NOT NULL,
    high bigint NOT NULL,
    gaps text NOT NULL,
    last_event_at bigint NOT NULL,
    state character varying(16) NOT NULL
);
ALTER TABLE ONLY public.job ALTER COLUMN id SET DEFAULT nextval('public.job_id_seq'::regclass);
ALTER TABLE ONLY public.trail ALTER COLUMN id SET DEFAULT nextval('public.trail_id_seq'::regclass);
INSERT INTO public.account VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ', '1<!channel> *x* ‮ 华星''"\ 😀', 1);
INSERT INTO public.account VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ', '2<!channel> *x* ‮ 华星''"\ 😀', 2);
INSERT INTO public.ack VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', 1, '1<!channel> *x* ‮ 华星''"\ 😀');
INSERT INTO public.ack VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', 2, '2<!channel> *x* ‮ 华星''"\ 😀');
INSERT INTO public.alembic_version VALUES ('0001');
INSERT INTO public.alert VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ', 1, '1<!channel> *x* ‮ 华星''"\ 😀', 1, '1<!channel> *x* ‮ 华星''"\ 😀');
INSERT INTO public.alert VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ', 2, '2<!channel> *x* ‮ 华星''"\ 😀', 2, '2<!channel> *x* ‮ 华星''"\ 😀');
INSERT INTO public.choice VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', 1);
INSERT INTO public.choice VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', 2);
INSERT INTO public.common_name VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ', '1<!channel> *x* ‮ 华星''"\ 😀', 1);
INSERT INTO public.common_name VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ', '2<!channel> *x* ‮ 华星''"\ 😀', 2);
INSERT INTO public.conflict VALUES ('F879-066B-2634-AEA0', 'local:account:acme', 'f0', 1800000000004, NULL, NULL);
INSERT INTO public.conflict VALUES ('5B70-865F-FB4A-660E', 'local:account:acme', 'f2', 1800000000006, NULL, NULL);
INSERT INTO public.conflict VALUES ('5E58-72D5-BA1F-925D', 'local:account:acme', 'f1', 1800000000008, NULL, NULL);
INSERT INTO public.counter VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', 1);
INSERT INTO public.counter VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', 2);
INSERT INTO public.daily_root VALUES ('2027-01-15', 1800000000027, '{
 "at": 1800000000027,
 "heads": [
  [
   4,
   24,
   "8a3ccbac835fc5a90f075ca82f7776c181ba2ca46c9e445b1b6a3bf7574f9aaf"
  ],
  [
   12,
   1,
   "4553078a44c430f1e3a7819bc07c9301c0f1d1414dd00335f88b7c70f27e8907"
  ]
 ],
 "root": "29e3de867766ae2913d17bcfcfa4f6f187c7cf5ad2ec77c318b97a5eac25ee45"
}
');
INSERT INTO public.decision VALUES (4, 1, '32CD-043F-0D17-AF46', 'local:account:acme', 'f0', 'edit', '01a3185c5001cf2409d45634932c', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', '250a9d28ba52132284146435382fd4b8bfb923b48271c1ee1138b365d08e8248', 'causal', '01a3185c5001cf2409d45634932c', '["01a3185c5001cf2409d45634932c"]', '{}', false, '[]', NULL, 'be43ab3c423774411570ee756444a95dfb24487a057396a7836877b9f03683f0', '01a3185c5001cf2409d45634932c', 1800000000001, '0000000000000000000000000000000000000000000000000000000000000000', '6b0d393ce7b3e2a373f9a809d18ffabf2d137d989af8ede1d6067bf1a8fd7563');
INSERT INTO public.decision VALUES (4, 2, 'FE38-F99A-9CAC-2EA5', 'local:account:acme', 'f1', 'edit', '01a3185c5002b938802af6e36683', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', 'b635f22a3b8ce9359aa08962a2369e7deb1d27465ddc3b3836c80b3ceeef9979', 'causal', '01a3185c5002b938802af6e36683', '["01a3185c5002b938802af6e36683"]', '{}', false, '[]', NULL, '0aec52fc11bae46178dc536fe59b3a784dddff61cef4ca9dab29c3de0eacfa17', '01a3185c5002b938802af6e36683', 1800000000002, '6b0d393ce7b3e2a373f9a809d18ffabf2d137d989af8ede1d6067bf1a8fd7563', 'aaad10901141849cc93eb9f34e536ccc306d00fc2a1398cdb4f9c43409899d68');
INSERT INTO public.decision VALUES (4, 3, 'EDAF-B2D6-B2B7-0CBA', 'local:account:acme', 'f2', 'edit', '01a3185c50038b8d87e0d421e6df', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', '207a4146784de6a77a99f68cb75c8919b14d455c1497c59913098fe2d9c90e20', 'causal', '01a3185c50038b8d87e0d421e6df', '["01a3185c50038b8d87e0d421e6df"]', '{}', false, '[]', NULL, 'f50a84f11d9b7b515bbb079942e994865e049070807f6f1bff4d67179a411000', '01a3185c50038b8d87e0d421e6df', 1800000000003, 'aaad10901141849cc93eb9f34e536ccc306d00fc2a1398cdb4f9c43409899d68', '00dc997dbdd6b1a7c77441b2a712f7631d041dce50d333948279f270c5799d7b');
INSERT INTO public.decision VALUES (4, 4, 'F879-066B-2634-AEA0', 'local:account:acme', 'f0', 'edit', '01a3185c50047b6a587a24ad96c7', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', '7b7739aaf9b26d170da1cabec7b4897d6b1b6f7bbf53ac8a710ca38856837fd2', 'review', NULL, '["01a3185c5001cf2409d45634932c","01a3185c50047b6a587a24ad96c7"]', '{"01a3185c5001cf2409d45634932c":"undecided","01a3185c50047b6a587a24ad96c7":"undecided"}', true, '[]', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', '01a3185c5001cf2409d45634932c', 1800000000004, '00dc997dbdd6b1a7c77441b2a712f7631d041dce50d333948279f270c5799d7b', '7ece55c0f0327d01e73dd68b5146e4896491bc7f136137c20b3c7a87387365c9');
INSERT INTO public.decision VALUES (4, 5, '100B-ECC6-5655-090C', 'local:account:acme', 'f1', 'edit', '01a3185c50054ec582a420ea781d', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', '21da3bd38b098ffaa72c698eb0d76fd76bc0c74d81a67a033c09620c416ae045', 'causal', '01a3185c5002b938802af6e36683', '["01a3185c5002b938802af6e36683"]', '{}', false, '["01a3185c50054ec582a420ea781d"]', NULL, '0aec52fc11bae46178dc536fe59b3a784dddff61cef4ca9dab29c3de0eacfa17', '01a3185c5002b938802af6e36683', 1800000000005, '7ece55c0f0327d01e73dd68b5146e4896491bc7f136137c20b3c7a87387365c9', '974582a3fefe5f980e835c56da342537979feb300229f524733875669e8e482a');
INSERT INTO public.decision VALUES (4, 6, '5B70-865F-FB4A-660E', 'local:account:acme', 'f2', 'edit', '01a3185c50068f730bf4943c6482', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', '354382452ce03d4a9de5681173a750e8fbe693f7e7f3f6fe59a128faec09031e', 'review', NULL, '["01a3185c50038b8d87e0d421e6df","01a3185c50068f730bf4943c6482"]', '{"01a3185c50038b8d87e0d421e6df":"undecided","01a3185c50068f730bf4943c6482":"undecided"}', true, '[]', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', '01a3185c50038b8d87e0d421e6df', 1800000000006, '974582a3fefe5f980e835c56da342537979feb300229f524733875669e8e482a', '91310550f838ec4401d3aac8cebbeeb1ca0a2fb2dfa32443a9da2beab75c3785');
INSERT INTO public.decision VALUES (4, 7, '7CC4-17CB-543D-5477', 'local:account:acme', 'f0', 'edit', '01a3185c5007de53b322eb9e1151', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', 'cc97e5f45a5cefee3b12ca5b4759d45011de4025d68948e1f12fa6749b3a97e5', 'review', NULL, '["01a3185c5001cf2409d45634932c","01a3185c50047b6a587a24ad96c7","01a3185c5007de53b322eb9e1151"]', '{"01a3185c5001cf2409d45634932c":"undecided","01a3185c50047b6a587a24ad96c7":"undecided","01a3185c5007de53b322eb9e1151":"undecided"}', true, '[]', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', '01a3185c5001cf2409d45634932c', 1800000000007, '91310550f838ec4401d3aac8cebbeeb1ca0a2fb2dfa32443a9da2beab75c3785', 'a355c74e4b5e3dcdca7a1bf3bedbb240b05d667abc901550eda71ff85ab62ff0');
INSERT INTO public.decision VALUES (4, 8, '5E58-72D5-BA1F-925D', 'local:account:acme', 'f1', 'edit', '01a3185c5008016489c84e3c362a', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', 'a063b1ae659af341ee503ebb9ffbd33c4c3b62a66a9ab2db313a24389d20f655', 'review', NULL, '["01a3185c5002b938802af6e36683","01a3185c5008016489c84e3c362a"]', '{"01a3185c5002b938802af6e36683":"undecided","01a3185c5008016489c84e3c362a":"undecided"}', true, '["01a3185c50054ec582a420ea781d"]', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', '01a3185c5002b938802af6e36683', 1800000000008, 'a355c74e4b5e3dcdca7a1bf3bedbb240b05d667abc901550eda71ff85ab62ff0', '8001ccaefb86980827a5ebbc0c2bba8a9443331521457fc362484f7060ecbcd6');
INSERT INTO public.decision VALUES (4, 9, '2F2C-7AD8-A5EE-D834', 'local:account:acme', 'f2', 'edit', '01a3185c50094e0eb69fb3320239', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', '805d8699e4ddb3932ce80c29672ee3af60b5bd08b858a73171a76877e558c596', 'review', NULL, '["01a3185c50038b8d87e0d421e6df","01a3185c50068f730bf4943c6482","01a3185c50094e0eb69fb3320239"]', '{"01a3185c50038b8d87e0d421e6df":"undecided","01a3185c50068f730bf4943c6482":"undecided","01a3185c50094e0eb69fb3320239":"undecided"}', true, '[]', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', '01a3185c50038b8d87e0d421e6df', 1800000000009, '8001ccaefb86980827a5ebbc0c2bba8a9443331521457fc362484f7060ecbcd6', '6cbabbe475c66c67964ee021b113bd55de6b45273d171309e4e8788d34752cba');
INSERT INTO public.decision VALUES (4, 10, '8665-1009-CABB-BFFD', 'local:account:acme', 'f0', 'edit', '01a3185c500ad08a02beaa7c26cf', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', '33a573722515103423b70716141857f00e1e78395c34fcbdf941211b30a9bdae', 'review', NULL, '["01a3185c5001cf2409d45634932c","01a3185c50047b6a587a24ad96c7","01a3185c5007de53b322eb9e1151","01a3185c500ad08a02beaa7c26cf"]', '{"01a3185c5001cf2409d45634932c":"undecided","01a3185c50047b6a587a24ad96c7":"undecided","01a3185c5007de53b322eb9e1151":"undecided","01a3185c500ad08a02beaa7c26cf":"undecided"}', true, '[]', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', '01a3185c5001cf2409d45634932c', 1800000000010, '6cbabbe475c66c67964ee021b113bd55de6b45273d171309e4e8788d34752cba', 'ecc91f46c97a35e13c340f5525212618b0fd5189090cda9a16805d756a27693e');
INSERT INTO public.decision VALUES (4, 11, '8B0C-C3A9-AE64-D003', 'local:account:acme', 'f1', 'edit', '01a3185c500b0bbfe47351659729', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', 'df62e9fc77dc151aa71f9bdb02a854125617e038c7e02385585648efe5a6f60e', 'review', NULL, '["01a3185c5002b938802af6e36683","01a3185c5008016489c84e3c362a","01a3185c500b0bbfe47351659729"]', '{"01a3185c5002b938802af6e36683":"undecided","01a3185c5008016489c84e3c362a":"undecided","01a3185c500b0bbfe47351659729":"undecided"}', true, '["01a3185c50054ec582a420ea781d"]', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', '01a3185c5002b938802af6e36683', 1800000000011, 'ecc91f46c97a35e13c340f5525212618b0fd5189090cda9a16805d756a27693e', 'f73b27b580058c827b42e9430892e30022f79d62e34bb4791d13cf6071a5bb95');
INSERT INTO public.decision VALUES (4, 12, '558B-4F1D-8ED0-59E1', 'local:account:acme', 'f2', 'edit', '01a3185c500c17b2b2b27e231dc7', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', 'f6e5746c56b55796b7d0b0856d83c1e125420ae0ab2a232264aaac8771833f84', 'review', NULL, '["01a3185c50038b8d87e0d421e6df","01a3185c50068f730bf4943c6482","01a3185c50094e0eb69fb3320239","01a3185c500c17b2b2b27e231dc7"]', '{"01a3185c50038b8d87e0d421e6df":"undecided","01a3185c50068f730bf4943c6482":"undecided","01a3185c50094e0eb69fb3320239":"undecided","01a3185c500c17b2b2b27e231dc7":"undecided"}', true, '[]', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', '01a3185c50038b8d87e0d421e6df', 1800000000012, 'f73b27b580058c827b42e9430892e30022f79d62e34bb4791d13cf6071a5bb95', 'f20db76fe544e4374ec7ef2a03c5f7dc7ca0d4b01be4cefd4d425cc62752fa7e');
INSERT INTO public.decision VALUES (4, 13, '9A77-5A08-C76E-4369', 'local:account:acme', 'f0', 'edit', '01a3185c500dcd4ae9766f1e4720', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', 'c50c887cc2c444627b7f1f71af14ec9fd09c7a13b1fd34c22c79bcf7a1f43e23', 'review', NULL, '["01a3185c5001cf2409d45634932c","01a3185c50047b6a587a24ad96c7","01a3185c5007de53b322eb9e1151","01a3185c500ad08a02beaa7c26cf","01a3185c500dcd4ae9766f1e4720"]', '{"01a3185c5001cf2409d45634932c":"undecided","01a3185c50047b6a587a24ad96c7":"undecided","01a3185c5007de53b322eb9e1151":"undecided","01a3185c500ad08a02beaa7c26cf":"undecided","01a3185c500dcd4ae9766f1e4720":"undecided"}', true, '[]', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', '01a3185c5001cf2409d45634932c', 1800000000013, 'f20db76fe544e4374ec7ef2a03c5f7dc7ca0d4b01be4cefd4d425cc62752fa7e', '407bb59f963934e6a581cbaac944af6bd52304c0058c5de20da13e9422bb244f');
INSERT INTO public.decision VALUES (4, 14, 'D886-4ABB-C6E6-3B9F', 'local:account:acme', 'f1', 'edit', '01a3185c500e3a9e3281afe28005', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', '5595e33cba29ce6b7953bfe9d26019718a5ddb23f6c9150a6dbcfcda19156282', 'review', NULL, '["01a3185c5002b938802af6e36683","01a3185c5008016489c84e3c362a","01a3185c500b0bbfe47351659729","01a3185c500e3a9e3281afe28005"]', '{"01a3185c5002b938802af6e36683":"undecided","01a3185c5008016489c84e3c362a":"undecided","01a3185c500b0bbfe47351659729":"undecided","01a3185c500e3a9e3281afe28005":"undecided"}', true, '["01a3185c50054ec582a420ea781d"]', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', '01a3185c5002b938802af6e36683', 1800000000014, '407bb59f963934e6a581cbaac944af6bd52304c0058c5de20da13e9422bb244f', '5fff992721a6fc0ab26a9f38a2bd5d049305a6f4438971a945fd9c4114d41955');
INSERT INTO public.decision VALUES (4, 15, '23B5-12F5-EDD8-E1F5', 'local:account:acme', 'f2', 'edit', '01a3185c500f553aa256748b32ea', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', '655146831c8d3f4ff835f1b78623e161e56fbbbbc60de188a781af27b3cc1682', 'review', NULL, '["01a3185c50038b8d87e0d421e6df","01a3185c50068f730bf4943c6482","01a3185c50094e0eb69fb3320239","01a3185c500c17b2b2b27e231dc7","01a3185c500f553aa256748b32ea"]', '{"01a3185c50038b8d87e0d421e6df":"undecided","01a3185c50068f730bf4943c6482":"undecided","01a3185c50094e0eb69fb3320239":"undecided","01a3185c500c17b2b2b27e231dc7":"undecided","01a3185c500f553aa256748b32ea":"undecided"}', true, '[]', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', '01a3185c50038b8d87e0d421e6df', 1800000000015, '5fff992721a6fc0ab26a9f38a2bd5d049305a6f4438971a945fd9c4114d41955', '091f207ee71a7bd3c1ba7f247a863e607c1f6e1c945fb4c74ebcd20c7bac7d02');
INSERT INTO public.decision VALUES (4, 16, '8B48-D25F-715B-1186', 'local:account:acme', 'f0', 'edit', '01a3185c501061259993b2f460b8', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', '72d5221814b479539496b9127e1cdd3a9a2af88e872372867d1a5eea428dffb5', 'review', NULL, '["01a3185c5001cf2409d45634932c","01a3185c50047b6a587a24ad96c7","01a3185c5007de53b322eb9e1151","01a3185c500ad08a02beaa7c26cf","01a3185c500dcd4ae9766f1e4720","01a3185c501061259993b2f460b8"]', '{"01a3185c5001cf2409d45634932c":"undecided","01a3185c50047b6a587a24ad96c7":"undecided","01a3185c5007de53b322eb9e1151":"undecided","01a3185c500ad08a02beaa7c26cf":"undecided","01a3185c500dcd4ae9766f1e4720":"undecided","01a3185c501061259993b2f460b8":"undecided"}', true, '[]', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', '01a3185c5001cf2409d45634932c', 1800000000016, '091f207ee71a7bd3c1ba7f247a863e607c1f6e1c945fb4c74ebcd20c7bac7d02', 'f3b014a251647719a8aca8f4fcc315e5a59625d26a320c3d0e92440a60745314');
INSERT INTO public.decision VALUES (4, 17, '5FAB-2EC6-EAF5-98E2', 'local:account:acme', 'f1', 'edit', '01a3185c50116c2df79639047409', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', '3774624357019dc69ce335f2b08f603b53556badfa8f5472d4ca306be8d68906', 'review', NULL, '["01a3185c5002b938802af6e36683","01a3185c5008016489c84e3c362a","01a3185c500b0bbfe47351659729","01a3185c500e3a9e3281afe28005","01a3185c50116c2df79639047409"]', '{"01a3185c5002b938802af6e36683":"undecided","01a3185c5008016489c84e3c362a":"undecided","01a3185c500b0bbfe47351659729":"undecided","01a3185c500e3a9e3281afe28005":"undecided","01a3185c50116c2df79639047409":"undecided"}', true, '["01a3185c50054ec582a420ea781d"]', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', '01a3185c5002b938802af6e36683', 1800000000017, 'f3b014a251647719a8aca8f4fcc315e5a59625d26a320c3d0e92440a60745314', '302aac2049380fa9d528d9728b571e9a510907fd1dac7f66b2833e7a4378bdd9');
INSERT INTO public.decision VALUES (4, 18, 'DD12-7B2B-8B58-3F34', 'local:account:acme', 'f2', 'edit', '01a3185c50120683458138cd56d9', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', 'ce9764a0c05c8fecf6b71d1da58c8cb346175e54c734c8eb083f9d8b5603f9b9', 'review', NULL, '["01a3185c50038b8d87e0d421e6df","01a3185c50068f730bf4943c6482","01a3185c50094e0eb69fb3320239","01a3185c500c17b2b2b27e231dc7","01a3185c500f553aa256748b32ea","01a3185c50120683458138cd56d9"]', '{"01a3185c50038b8d87e0d421e6df":"undecided","01a3185c50068f730bf4943c6482":"undecided","01a3185c50094e0eb69fb3320239":"undecided","01a3185c500c17b2b2b27e231dc7":"undecided","01a3185c500f553aa256748b32ea":"undecided","01a3185c50120683458138cd56d9":"undecided"}', true, '[]', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', '01a3185c50038b8d87e0d421e6df', 1800000000018, '302aac2049380fa9d528d9728b571e9a510907fd1dac7f66b2833e7a4378bdd9', '56043db8c0221d15928fe0187110d764a1cd72c04257191dd37a27ac132ee64c');
INSERT INTO public.decision VALUES (4, 19, '86AF-DD35-FA0A-F2C8', 'local:account:acme', 'f0', 'edit', '01a3185c5013da56f22a72edbd91', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', '25fa59c7984d5f2a3a7882466239d962f143d634de3e499b7c8998373f3ab943', 'review', NULL, '["01a3185c5001cf2409d45634932c","01a3185c50047b6a587a24ad96c7","01a3185c5007de53b322eb9e1151","01a3185c500ad08a02beaa7c26cf","01a3185c500dcd4ae9766f1e4720","01a3185c501061259993b2f460b8","01a3185c5013da56f22a72edbd91"]', '{"01a3185c5001cf2409d45634932c":"undecided","01a3185c50047b6a587a24ad96c7":"undecided","01a3185c5007de53b322eb9e1151":"undecided","01a3185c500ad08a02beaa7c26cf":"undecided","01a3185c500dcd4ae9766f1e4720":"undecided","01a3185c501061259993b2f460b8":"undecided","01a3185c5013da56f22a72edbd91":"undecided"}', true, '[]', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', '01a3185c5001cf2409d45634932c', 1800000000019, '56043db8c0221d15928fe0187110d764a1cd72c04257191dd37a27ac132ee64c', '802b8e48b5e26297285dd501bd9603e4ef904df19ef3322ac03321284054a8ee');
INSERT INTO public.decision VALUES (4, 20, 'F852-4293-05A5-7CF5', 'local:account:acme', 'f1', 'edit', '01a3185c5014b5b1bae934bf53ca', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', '2c659a943cc583ad9f8c5230b74d9c6a9d51bb10516203cb7bd91acdf32e627b', 'review', NULL, '["01a3185c5002b938802af6e36683","01a3185c5008016489c84e3c362a","01a3185c500b0bbfe47351659729","01a3185c500e3a9e3281afe28005","01a3185c50116c2df79639047409","01a3185c5014b5b1bae934bf53ca"]', '{"01a3185c5002b938802af6e36683":"undecided","01a3185c5008016489c84e3c362a":"undecided","01a3185c500b0bbfe47351659729":"undecided","01a3185c500e3a9e3281afe28005":"undecided","01a3185c50116c2df79639047409":"undecided","01a3185c5014b5b1bae934bf53ca":"undecided"}', true, '["01a3185c50054ec582a420ea781d"]', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', '01a3185c5002b938802af6e36683', 1800000000020, '802b8e48b5e26297285dd501bd9603e4ef904df19ef3322ac03321284054a8ee', 'c4e8b1106674c2c909bdabf77e67e534be6522a3da78291512a40822dfc338fb');
INSERT INTO public.decision VALUES (4, 21, 'D9A2-F2C9-2D2F-2092', 'local:account:acme', 'f2', 'edit', '01a3185c50157736e43a6fa7e6c6', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', '7bb550bf308dccd43a15e4e39daf385046be3a8bc44cdcc33b8a49a069bd450f', 'review', NULL, '["01a3185c50038b8d87e0d421e6df","01a3185c50068f730bf4943c6482","01a3185c50094e0eb69fb3320239","01a3185c500c17b2b2b27e231dc7","01a3185c500f553aa256748b32ea","01a3185c50120683458138cd56d9","01a3185c50157736e43a6fa7e6c6"]', '{"01a3185c50038b8d87e0d421e6df":"undecided","01a3185c50068f730bf4943c6482":"undecided","01a3185c50094e0eb69fb3320239":"undecided","01a3185c500c17b2b2b27e231dc7":"undecided","01a3185c500f553aa256748b32ea":"undecided","01a3185c50120683458138cd56d9":"undecided","01a3185c50157736e43a6fa7e6c6":"undecided"}', true, '[]', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', '01a3185c50038b8d87e0d421e6df', 1800000000021, 'c4e8b1106674c2c909bdabf77e67e534be6522a3da78291512a40822dfc338fb', '32fbd7f1df5c872c393faac35d7054300d7b5242e25d67fbafc6061b44dbf321');
INSERT INTO public.decision VALUES (4, 22, '621F-C745-282F-5346', 'local:account:acme', 'f0', 'edit', '01a3185c5016560412cdd4a4a21c', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', '9c0ba0fbd0ba41f14fc623efb2258f293808a18973e4b278f5eba0e9421a255e', 'review', NULL, '["01a3185c5001cf2409d45634932c","01a3185c50047b6a587a24ad96c7","01a3185c5007de53b322eb9e1151","01a3185c500ad08a02beaa7c26cf","01a3185c500dcd4ae9766f1e4720","01a3185c501061259993b2f460b8","01a3185c5013da56f22a72edbd91","01a3185c5016560412cdd4a4a21c"]', '{"01a3185c5001cf2409d45634932c":"undecided","01a3185c50047b6a587a24ad96c7":"undecided","01a3185c5007de53b322eb9e1151":"undecided","01a3185c500ad08a02beaa7c26cf":"undecided","01a3185c500dcd4ae9766f1e4720":"undecided","01a3185c501061259993b2f460b8":"undecided","01a3185c5013da56f22a72edbd91":"undecided","01a3185c5016560412cdd4a4a21c":"undecided"}', true, '[]', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', '01a3185c5001cf2409d45634932c', 1800000000022, '32fbd7f1df5c872c393faac35d7054300d7b5242e25d67fbafc6061b44dbf321', '1aac93a07717c9c4f1e6176916ec50ab82a98a383c118b2bf4f664b22cee00ad');
INSERT INTO public.decision VALUES (4, 23, '54F7-952B-3506-D407', 'local:account:acme', 'f1', 'edit', '01a3185c50171e3170ebdf41f813', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', 'ea9170c848482c567fad1da64c89c14a399b24b4ec89d730be7def0fbc7da629', 'review', NULL, '["01a3185c5002b938802af6e36683","01a3185c5008016489c84e3c362a","01a3185c500b0bbfe47351659729","01a3185c500e3a9e3281afe28005","01a3185c50116c2df79639047409","01a3185c5014b5b1bae934bf53ca","01a3185c50171e3170ebdf41f813"]', '{"01a3185c5002b938802af6e36683":"undecided","01a3185c5008016489c84e3c362a":"undecided","01a3185c500b0bbfe47351659729":"undecided","01a3185c500e3a9e3281afe28005":"undecided","01a3185c50116c2df79639047409":"undecided","01a3185c5014b5b1bae934bf53ca":"undecided","01a3185c50171e3170ebdf41f813":"undecided"}', true, '["01a3185c50054ec582a420ea781d"]', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', '01a3185c5002b938802af6e36683', 1800000000023, '1aac93a07717c9c4f1e6176916ec50ab82a98a383c118b2bf4f664b22cee00ad', '5687d7973e4be458c7432750897fe22bcd3813df99cff09d001254a52be0e57c');
INSERT INTO public.decision VALUES (4, 24, 'F69B-C748-0511-BE6B', 'local:account:acme', 'f2', 'edit', '01a3185c5018c11cb62199378cd6', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', 'b27785e3ac0ef18d9336d69ad437a5d5f3c17cdc043fb1ae6a53e8abd23e4f83', 'review', NULL, '["01a3185c50038b8d87e0d421e6df","01a3185c50068f730bf4943c6482","01a3185c50094e0eb69fb3320239","01a3185c500c17b2b2b27e231dc7","01a3185c500f553aa256748b32ea","01a3185c50120683458138cd56d9","01a3185c50157736e43a6fa7e6c6","01a3185c5018c11cb62199378cd6"]', '{"01a3185c50038b8d87e0d421e6df":"undecided","01a3185c50068f730bf4943c6482":"undecided","01a3185c50094e0eb69fb3320239":"undecided","01a3185c500c17b2b2b27e231dc7":"undecided","01a3185c500f553aa256748b32ea":"undecided","01a3185c50120683458138cd56d9":"undecided","01a3185c50157736e43a6fa7e6c6":"undecided","01a3185c5018c11cb62199378cd6":"undecided"}', true, '[]', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', '01a3185c50038b8d87e0d421e6df', 1800000000024, '5687d7973e4be458c7432750897fe22bcd3813df99cff09d001254a52be0e57c', '8a3ccbac835fc5a90f075ca82f7776c181ba2ca46c9e445b1b6a3bf7574f9aaf');
INSERT INTO public.decision VALUES (12, 1, 'E23D-E525-11C5-BFA9', 'local:account:erased', 'phone', 'edit', '01a3185c5019fae9169c8ef3194f', 'default', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '1', '20f365acb5e712b40117180f34201ab2f28b55bc684e1d5d28be0cec94890467', 'causal', '01a3185c5019fae9169c8ef3194f', '["01a3185c5019fae9169c8ef3194f"]', '{}', false, '[]', NULL, '8f8cee45166b23b4f2b900c85a2e298d23522d72b657cb63a049897e65546287', '01a3185c5019fae9169c8ef3194f', 1800000000025, '0000000000000000000000000000000000000000000000000000000000000000', '4553078a44c430f1e3a7819bc07c9301c0f1d1414dd00335f88b7c70f27e8907');
INSERT INTO public.due VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', 1, '1<!channel> *x* ‮ 华星''"\ 😀', 1);
INSERT INTO public.due VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', 2, '2<!channel> *x* ‮ 华星''"\ 😀', 2);
INSERT INTO public.edit VALUES ('01a3185c5001cf2409d45634932c', 'local:account:acme', 'f0', 1, 'set', '01a3185c5001cf2409d45634932c', 'be43ab3c423774411570ee756444a95dfb24487a057396a7836877b9f03683f0', 'web', 'Web card', '1.0', '', 'person', 'p1', '[]', NULL, NULL, NULL, 1800000000001, 1800000000001, false, 'once-0', '25b736285c723772aee7eb874062b31d81abad0ef583bbac194f54cd4e1e8854', 'turn-1', true, false, '32CD-043F-0D17-AF46');
INSERT INTO public.edit VALUES ('01a3185c5002b938802af6e36683', 'local:account:acme', 'f1', 1, 'set', '01a3185c5002b938802af6e36683', '0aec52fc11bae46178dc536fe59b3a784dddff61cef4ca9dab29c3de0eacfa17', 'web', 'Web card', '1.0', '', 'person', 'p1', '["01a3185c5001cf2409d45634932c"]', NULL, NULL, NULL, 1800000000002, 1800000000002, false, 'once-1', '51ee61abd304afdbf14f34b5a6231436f3ed0be4a1329aa3e8771f17553fc792', 'turn-1', true, false, 'FE38-F99A-9CAC-2EA5');
INSERT INTO public.edit VALUES ('01a3185c50038b8d87e0d421e6df', 'local:account:acme', 'f2', 1, 'set', '01a3185c50038b8d87e0d421e6df', 'f50a84f11d9b7b515bbb079942e994865e049070807f6f1bff4d67179a411000', 'web', 'Web card', '1.0', '', 'person', 'p1', '["01a3185c5002b938802af6e36683"]', NULL, NULL, NULL, 1800000000003, 1800000000003, false, 'once-2', 'f10b088e5de69fd8edb55e74a13d7d4c86b0844e26173133b7a029c00312575a', 'turn-1', true, false, 'EDAF-B2D6-B2B7-0CBA');
INSERT INTO public.edit VALUES ('01a3185c50047b6a587a24ad96c7', 'local:account:acme', 'f0', 2, 'set', '01a3185c50047b6a587a24ad96c7', '10f0267afd8365fd6929017251c890bb5f8ad9104fcbac78ac1ee08da9d1f478', 'web', 'Web card', '1.0', '', 'person', 'p1', '["01a3185c50038b8d87e0d421e6df"]', NULL, NULL, NULL, 1800000000004, 1800000000004, false, 'once-3', '0df0e07781108d013fa5a87bd64422d2eea884865fc1a54fa89e626bedc44e44', 'turn-1', true, false, 'F879-066B-2634-AEA0');
INSERT INTO public.edit VALUES ('01a3185c50054ec582a420ea781d', 'local:account:acme', 'f1', 2, 'proposal', '01a3185c50054ec582a420ea781d', 'b6f934b4c02df3a82f7573af63c81b3d457ecf00fa0181ac5c9bfa3331f10c82', 'web', 'Web card', '1.0', '', 'person', 'p1', '["01a3185c5001cf2409d45634932c","01a3185c50047b6a587a24ad96c7"]', NULL, NULL, NULL, 1800000000005, 1800000000005, false, 'once-4', '423f9bed075b96aca89f75aabe922c7c4134722a6111d9741322331a4902462d', 'turn-1', false, false, '100B-ECC6-5655-090C');
INSERT INTO public.edit VALUES ('01a3185c50068f730bf4943c6482', 'local:account:acme', 'f2', 2, 'set', '01a3185c50068f730bf4943c6482', '095afc214e6ab1e321ab0383f21a3835acab7ce4da6aff2b59cf8bee513bfe76', 'web', 'Web card', '1.0', '', 'person', 'p1', '[]', NULL, NULL, NULL, 1800000000006, 1800000000006, false, 'once-5', 'dcf4839c75b8bb28775719a22c875610128adf69e3425ba0016241f16d25030d', 'turn-1', true, false, '5B70-865F-FB4A-660E');
INSERT INTO public.edit VALUES ('01a3185c5007de53b322eb9e1151', 'local:account:acme', 'f0', 3, 'set', '01a3185c5007de53b322eb9e1151', '10ae092a73b314853722c74cc071d43338f3103283457b6de0493b2d2572acd3', 'web', 'Web card', '1.0', '', 'person', 'p1', '["01a3185c50038b8d87e0d421e6df","01a3185c50068f730bf4943c6482"]', NULL, NULL, NULL, 1800000000007, 1800000000007, false, 'once-6', '62d6fb23040a4dbb82d8d75c90156ba0511fb30efda8ee80f5a58f12b759f526', 'turn-1', true, false, '7CC4-17CB-543D-5477');
INSERT INTO public.edit VALUES ('01a3185c5008016489c84e3c362a', 'local:account:acme', 'f1', 3, 'clear', NULL, '9d382db8dccb6c2befba6e86bbd48a3364c905ed56725f5e44a53ec934b11a77', 'web', 'Web card', '1.0', '', 'person', 'p1', '["01a3185c5001cf2409d45634932c","01a3185c50047b6a587a24ad96c7","01a3185c5007de53b322eb9e1151"]', NULL, NULL, NULL, 1800000000008, 1800000000008, false, 'once-7', '650d9518a1554b63dca578c7ff82399a9c347617779876c6c63533801d1154f8', 'turn-1', true, false, '5E58-72D5-BA1F-925D');
INSERT INTO public.edit VALUES ('01a3185c50094e0eb69fb3320239', 'local:account:acme', 'f2', 3, 'set', '01a3185c50094e0eb69fb3320239', 'eef6c640c499bbd21d7285776ab95d5895e165bc5cbaa31b18e93dd553350407', 'web', 'Web card', '1.0', '', 'person', 'p1', '["01a3185c5002b938802af6e36683","01a3185c5008016489c84e3c362a"]', NULL, NULL, NULL, 1800000000009, 1800000000009, false, 'once-8', '46d32642ba463fca85c6052e7ace0e7d88a0c965e66bee6b5e7c1e5382254941', 'turn-1', true, false, '2F2C-7AD8-A5EE-D834');
INSERT INTO public.edit VALUES ('01a3185c500ad08a02beaa7c26cf', 'local:account:acme', 'f0', 4, 'set', '01a3185c500ad08a02beaa7c26cf', '892899e6834b3d04546029ffc6ad8d3dd70d1dfe1d921b7f94e44140807a337a', 'web', 'Web card', '1.0', '', 'person', 'p1', '["01a3185c50038b8d87e0d421e6df","01a3185c50068f730bf4943c6482","01a3185c50094e0eb69fb3320239"]', NULL, NULL, NULL, 1800000000010, 1800000000010, false, 'once-9', '601767706ad6432bcdc1f2f6ce82f31a36cd1278663448986958208a6fb184fb', 'turn-1', true, false, '8665-1009-CABB-BFFD');
INSERT INTO public.edit VALUES ('01a3185c500b0bbfe47351659729', 'local:account:acme', 'f1', 4, 'set', '01a3185c500b0bbfe47351659729', '4e11f773108a9d06d851c090895d0883730bae9017dde060a47a71075d6b60e8', 'web', 'Web card', '1.0', '', 'person', 'p1', '[]', NULL, NULL, NULL, 1800000000011, 1800000000011, false, 'once-10', 'c160a5c62da6a85377d2f4fcfa06e538131fff8a186c0631734f716fa43ac712', 'turn-1', true, false, '8B0C-C3A9-AE64-D003');
INSERT INTO public.edit VALUES ('01a3185c500c17b2b2b27e231dc7', 'local:account:acme', 'f2', 4, 'set', '01a3185c500c17b2b2b27e231dc7', 'fc0cbafb347da96f605cd0fcd6be4560a4f6936d2d650969cce66c2a5631ec1a', 'web', 'Web card', '1.0', '', 'person', 'p1', '["01a3185c5002b938802af6e36683","01a3185c5008016489c84e3c362a","01a3185c500b0bbfe47351659729"]', NULL, NULL, NULL, 1800000000012, 1800000000012, false, 'once-11', 'd27f874f240fb17a8a91142708a48fc995eeb309cdbdf5b647be7517326bed37', 'turn-1', true, false, '558B-4F1D-8ED0-59E1');
INSERT INTO public.edit VALUES ('01a3185c500dcd4ae9766f1e4720', 'local:account:acme', 'f0', 5, 'set', '01a3185c500dcd4ae9766f1e4720', 'ceb95df91542ad427c3f621207990f1fc57876ff9d5d13dad1f3d17ebb7d9895', 'web', 'Web card', '1.0', '', 'person', 'p1', '["01a3185c50038b8d87e0d421e6df","01a3185c50068f730bf4943c6482","01a3185c50094e0eb69fb3320239","01a3185c500c17b2b2b27e231dc7"]', NULL, NULL, NULL, 1800000000013, 1800000000013, false, 'once-12', '75c14a18e97da3e644e83979a5f3c98467b2f8a8d9fa678aa8264de350928b67', 'turn-1', true, false, '9A77-5A08-C76E-4369');
INSERT INTO public.edit VALUES ('01a3185c500e3a9e3281afe28005', 'local:account:acme', 'f1', 5, 'set', '01a3185c500e3a9e3281afe28005', 'abf5125a0933fe222db5cf3a137a549c6265ee66c068ef7b861833b7ffa3c312', 'web', 'Web card', '1.0', '', 'person', 'p1', '["01a3185c5001cf2409d45634932c","01a3185c50047b6a587a24ad96c7","01a3185c5007de53b322eb9e1151","01a3185c500ad08a02beaa7c26cf","01a3185c500dcd4ae9766f1e4720"]', NULL, NULL, NULL, 1800000000014, 1800000000014, false, 'once-13', '501421f43275d045342903f459c6e5b769f79d91a2e29cbd22f77f33f28ad80c', 'turn-1', true, false, 'D886-4ABB-C6E6-3B9F');
INSERT INTO public.edit VALUES ('01a3185c500f553aa256748b32ea', 'local:account:acme', 'f2', 5, 'set', '01a3185c500f553aa256748b32ea', '4ffce5d83e829661d6709b64c07317e4d7e42c5a2bf9b0e0bfd5ca5c58033fa9', 'web', 'Web card', '1.0', '', 'person', 'p1', '["01a3185c5002b938802af6e36683","01a3185c5008016489c84e3c362a","01a3185c500b0bbfe47351659729","01a3185c500e3a9e3281afe28005"]', NULL, NULL, NULL, 1800000000015, 1800000000015, false, 'once-14', 'd34cc591480310999013446b68d2bb1d12eaa74d9bba3fa4de7f66ba948dfb56', 'turn-1', true, false, '23B5-12F5-EDD8-E1F5');
INSERT INTO public.edit VALUES ('01a3185c501061259993b2f460b8', 'local:account:acme', 'f0', 6, 'set', '01a3185c501061259993b2f460b8', '41c3e43735b7f1ebc4b6323c6d6d8bb8453d5674e60af77f3f4d268cb125daf1', 'web', 'Web card', '1.0', '', 'person', 'p1', '[]', NULL, NULL, NULL, 1800000000016, 1800000000016, false, 'once-15', '6c0033d357aa5a425191ac354f129ff1f22a24d4a3b8e0e3c9b0234d26c90261', 'turn-1', true, false, '8B48-D25F-715B-1186');
INSERT INTO public.edit VALUES ('01a3185c50116c2df79639047409', 'local:account:acme', 'f1', 6, 'set', '01a3185c50116c2df79639047409', 'b3327ee9d9c3fa6a2869df3f2284f477e0b5bc9f2711298ae6f81f9524a2fc94', 'web', 'Web card', '1.0', '', 'person', 'p1', '["01a3185c5001cf2409d45634932c","01a3185c50047b6a587a24ad96c7","01a3185c5007de53b322eb9e1151","01a3185c500ad08a02beaa7c26cf","01a3185c500dcd4ae9766f1e4720","01a3185c501061259993b2f460b8"]', NULL, NULL, NULL, 1800000000017, 1800000000017, false, 'once-16', '66a511546cac230ab7734cd95ba0a272bb16111a6d52b5c91623ad84046d0899', 'turn-1', true, false, '5FAB-2EC6-EAF5-98E2');
INSERT INTO public.edit VALUES ('01a3185c50120683458138cd56d9', 'local:account:acme', 'f2', 6, 'set', '01a3185c50120683458138cd56d9', 'a199dde9549720efe63db0297cdcc15856968dfd177f5abf3a21096b4a44eac5', 'web', 'Web card', '1.0', '', 'person', 'p1', '["01a3185c5002b938802af6e36683","01a3185c5008016489c84e3c362a","01a3185c500b0bbfe47351659729","01a3185c500e3a9e3281afe28005","01a3185c50116c2df79639047409"]', NULL, NULL, NULL, 1800000000018, 1800000000018, false, 'once-17', 'af510a61850459ec2866b0c2f2247400d75f1d439ace06efa2fa53778ed79303', 'turn-1', true, false, 'DD12-7B2B-8B58-3F34');
INSERT INTO public.edit VALUES ('01a3185c5013da56f22a72edbd91', 'local:account:acme', 'f0', 7, 'set', '01a3185c5013da56f22a72edbd91', '9a3628a14f17437e8f3628d83c16841761df62f54f3c3d2f6ad90ace4781f2ac', 'web', 'Web card', '1.0', '', 'person', 'p1', '["01a3185c50038b8d87e0d421e6df","01a3185c50068f730bf4943c6482","01a3185c50094e0eb69fb3320239","01a3185c500c17b2b2b27e231dc7","01a3185c500f553aa256748b32ea","01a3185c50120683458138cd56d9"]', NULL, NULL, NULL, 1800000000019, 1800000000019, false, 'once-18', '172ee9b93568d2f19ebdc16d022cddfe87ba81c9f4c418b77be5c1a9f97674c1', 'turn-1', true, false, '86AF-DD35-FA0A-F2C8');
INSERT INTO public.edit VALUES ('01a3185c5014b5b1bae934bf53ca', 'local:account:acme', 'f1', 7, 'set', '01a3185c5014b5b1bae934bf53ca', '68b5f9dd189889e7c52365153c2c126cc4dbbab99e78081219e42fb495bba556', 'web', 'Web card', '1.0', '', 'person', 'p1', '["01a3185c5001cf2409d45634932c","01a3185c50047b6a587a24ad96c7","01a3185c5007de53b322eb9e1151","01a3185c500ad08a02beaa7c26cf","01a3185c500dcd4ae9766f1e4720","01a3185c501061259993b2f460b8","01a3185c5013da56f22a72edbd91"]', NULL, NULL, NULL, 1800000000020, 1800000000020, false, 'once-19', '0236cd834ace26144957afc742cac8d308c4795544e9fb9fd5fab62e6c32df62', 'turn-1', true, false, 'F852-4293-05A5-7CF5');
INSERT INTO public.edit VALUES ('01a3185c50157736e43a6fa7e6c6', 'local:account:acme', 'f2', 7, 'set', '01a3185c50157736e43a6fa7e6c6', '30d27b86506f474df507dcf7bbd687f8a4f96fd9d3a9e0a2e5190d11146e1704', 'web', 'Web card', '1.0', '', 'person', 'p1', '[]', NULL, NULL, NULL, 1800000000021, 1800000000021, false, 'once-20', 'c5e58234da2ee90692a756f860f8ae48276b843c510ace00ff791402b00652c5', 'turn-1', true, false, 'D9A2-F2C9-2D2F-2092');
INSERT INTO public.edit VALUES ('01a3185c5016560412cdd4a4a21c', 'local:account:acme', 'f0', 8, 'set', '01a3185c5016560412cdd4a4a21c', '0d20572c960a8b8349a2fe99d23bfb366fbe2596faf4bdb4092865be79171790', 'web', 'Web card', '1.0', '', 'person', 'p1', '["01a3185c50038b8d87e0d421e6df","01a3185c50068f730bf4943c6482","01a3185c50094e0eb69fb3320239","01a3185c500c17b2b2b27e231dc7","01a3185c500f553aa256748b32ea","01a3185c50120683458138cd56d9","01a3185c50157736e43a6fa7e6c6"]', NULL, NULL, NULL, 1800000000022, 1800000000022, false, 'once-21', 'b0642d1f6efc4d6a6ee3ef4da6920b6d6bd6d001eaaf6d09c808d4a7a9a3ccd5', 'turn-1', true, false, '621F-C745-282F-5346');
INSERT INTO public.edit VALUES ('01a3185c50171e3170ebdf41f813', 'local:account:acme', 'f1', 8, 'set', '01a3185c50171e3170ebdf41f813', '5aae6bbea9422a91bc1e5b14b956efdd15fd5b080e0042194aedd751422ba534', 'web', 'Web card', '1.0', '', 'person', 'p1', '["01a3185c5001cf2409d45634932c","01a3185c50047b6a587a24ad96c7","01a3185c5007de53b322eb9e1151","01a3185c500ad08a02beaa7c26cf","01a3185c500dcd4ae9766f1e4720","01a3185c501061259993b2f460b8","01a3185c5013da56f22a72edbd91","01a3185c5016560412cdd4a4a21c"]', NULL, NULL, NULL, 1800000000023, 1800000000023, false, 'once-22', '7d4810e5fa41cdeaed51dcf8a13e8085d2a82180d47edfab400157e143254e90', 'turn-1', true, false, '54F7-952B-3506-D407');
INSERT INTO public.edit VALUES ('01a3185c5018c11cb62199378cd6', 'local:account:acme', 'f2', 8, 'set', '01a3185c5018c11cb62199378cd6', 'e2828b8ca8d1362fb543c3431b339c1d6f476f9b2954466317c5657e1c81bb89', 'web', 'Web card', '1.0', '', 'person', 'p1', '["01a3185c5002b938802af6e36683","01a3185c5008016489c84e3c362a","01a3185c500b0bbfe47351659729","01a3185c500e3a9e3281afe28005","01a3185c50116c2df79639047409","01a3185c5014b5b1bae934bf53ca","01a3185c50171e3170ebdf41f813"]', NULL, NULL, NULL, 1800000000024, 1800000000024, false, 'once-23', '7e585f226758ea01d7ab9bc033385903f6c041f2ad5c925b6154c7e7b1c1517d', 'turn-1', true, false, 'F69B-C748-0511-BE6B');
INSERT INTO public.edit VALUES ('01a3185c5019fae9169c8ef3194f', 'local:account:erased', 'phone', 1, 'set', '01a3185c5019fae9169c8ef3194f', '8f8cee45166b23b4f2b900c85a2e298d23522d72b657cb63a049897e65546287', 'web', 'Web card', '1.0', '', 'person', 'p1', '[]', NULL, NULL, NULL, 1800000000025, 1800000000025, false, 'once-24', '63a33c13c654ae902ac7e7590712304d3becf792a255c92e28221f650b4056df', 'turn-1', true, false, 'E23D-E525-11C5-BFA9');
INSERT INTO public.feed VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', 1);
INSERT INTO public.feed VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', 2);
INSERT INTO public.field_state VALUES ('local:account:acme', 'f0', 8, '\xdf9fa4675a929df4535a64224b3e36d9e5168b1f0fbce97eebb7c724f09e4022770cc7698dc5e11ddf541d9dd82a62343b4abf4055f68532efe40199876bea99d78b8c9e3de04790291cfb1ab6c305b65af013304eca87d4aa82f74f657ed8369529ecf2f031035e317161cde330dd46924f3586a9a73658eaea369e39e095f03184433261ee71989b8146e50b56c6e4330560a34d17444c79e6156b12b446f7153e374ab2c39010c0affe37c75977b126df95e92509749859def6e11877570f92bfff07d73dc4ad80eca9ec559ed8dbce11cf59c32c4319ae5a319c82c315807cddea289842e9532c95565abf18c926c4d9bcbcf12fb3a89c28dfad606c6fa6', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '["01a3185c5001cf2409d45634932c","01a3185c50047b6a587a24ad96c7","01a3185c5007de53b322eb9e1151","01a3185c500ad08a02beaa7c26cf","01a3185c500dcd4ae9766f1e4720","01a3185c501061259993b2f460b8","01a3185c5013da56f22a72edbd91","01a3185c5016560412cdd4a4a21c"]', '[]', '{}', false, '621F-C745-282F-5346', 1800000000022, '01a3185c5001cf2409d45634932c', '01a3185c5001cf2409d45634932c', '727f05a5e0e2900853c9d1eb6a966351386ee048a21afb38bd8a7fdd0d47645c', 'F879-066B-2634-AEA0');
INSERT INTO public.field_state VALUES ('local:account:acme', 'f1', 8, '\x7fa7f037331368898be2e310b1c499073040d9a7783f7b974d0301031cfc11e9986a3c0f382856fd6354f6363a3e8a908d4865c5c94de6f7b813a18cd53e729f475aa763ccb6d56b14fa6f4184fed3c3857ca46d7c8bd5ea776182e5e29931146a21f03c34f327e84a24300aee692df940fde5e2412890f06e712b6da7972626cf39c475337c9777864f4ff1a025f2cb2c6c5807e6355154b78c37b47f2b79f6060418801fb9595eee3187aac5c5a81c748d857d986e342ed2a2f691e5a7b0f6e006148ce550bcfdcf9c2bcd2c1df024bd61b4c33d0bb47e58eddb50a1f0ee0d46319334c3f215a0472318c618ce4659f4a58b57e8e88ec986b09b9507f555ac', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '["01a3185c5002b938802af6e36683","01a3185c5008016489c84e3c362a","01a3185c500b0bbfe47351659729","01a3185c500e3a9e3281afe28005","01a3185c50116c2df79639047409","01a3185c5014b5b1bae934bf53ca","01a3185c50171e3170ebdf41f813"]', '["01a3185c50054ec582a420ea781d"]', '{}', false, '54F7-952B-3506-D407', 1800000000023, '01a3185c5002b938802af6e36683', '01a3185c5002b938802af6e36683', '311d262a87cb99f554c2b9b7c117c609ab9c08c4b6b0064f5b3f1cf6a427c334', '5E58-72D5-BA1F-925D');
INSERT INTO public.field_state VALUES ('local:account:acme', 'f2', 8, '\x0124bc1ae4a7299fccde89d302fd3b1c13547a45811b392e58fa439c77071484c90203e5c50aac4298889753cbdf7b350c6447ae2a2c190c31f5144d75f3f258da8caa2a0a03802810b650667fc5bb82548358c6810445394457bb8fc92323bfcaf651476128f8a1d1eabf14acdc5d46d076e190b3fa9ff1005fda0792e2a92bf3c1e659d720888dd90b8979aedf81f0d2f59e52ad6bc8322bb31ebe9bedff9fcbefa1b0f55e19c6d61933a660e423ebd75e33322b66c3ae0825d1da4e2c9645cb74f591462f66fabaf17c32770bed54ea01e68a06b8a0f0c249da7f0ceea739373c677027b64834ece7eb3ce8c14385014d11a499ad351b2feca00a097d8416', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '["01a3185c50038b8d87e0d421e6df","01a3185c50068f730bf4943c6482","01a3185c50094e0eb69fb3320239","01a3185c500c17b2b2b27e231dc7","01a3185c500f553aa256748b32ea","01a3185c50120683458138cd56d9","01a3185c50157736e43a6fa7e6c6","01a3185c5018c11cb62199378cd6"]', '[]', '{}', false, 'F69B-C748-0511-BE6B', 1800000000024, '01a3185c50038b8d87e0d421e6df', '01a3185c50038b8d87e0d421e6df', 'c51b8e2bb83852e7c628256364400775a8ebd8851d796d44cc36d6d3a46548b1', '5B70-865F-FB4A-660E');
INSERT INTO public.field_state VALUES ('local:account:erased', 'phone', 1, '\x30467f90f1e13450ac1729724e5c2c62cb50ba8834f7e8b5483afbdab1c5a2ca014f67487abf749575b04e26a3b5b14aa0e8ec717a6fa1660f1c67a3616268e65ea50689e164f5de523414df7d2bc60b8a1359bb380a3cdd32daad16c7f98e333fea441ae91d8e77945791b94829364635370dfc4424ab40491ce3a4930f5cc88c770b78033c70249f736ceec55e2baeffe0e06e6a094c5380f86cafa2d1a6a67ac191d43975815939f6335604bee951b12928d48bd2aa8be39eba113d2034389048111465b8bd250e2cb961558c09fb13407b720821c47f1a69803b930af4bb7ea591affc506b609b01ed2530af492809ab333b25f515d18427d2daad551a20', '06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '["01a3185c5019fae9169c8ef3194f"]', '[]', '{}', true, 'E23D-E525-11C5-BFA9', 1800000000025, '01a3185c5019fae9169c8ef3194f', '01a3185c5019fae9169c8ef3194f', 'bb2292d49b4c66476f6265ee5f4832d7cfebb8863aa03afe503d636306373087', NULL);
INSERT INTO public.floatcard_meta VALUES ('program', 'floatcard');
INSERT INTO public.floatcard_meta VALUES ('vault', 'ce4b872ceb9b1cd9ef99cec8cf32235dd6405fa3b33708908bc7ae0b16afed595f8f84ae623188e92959ce0ae77b6f28dc6e795d1449ff8535d90713');
INSERT INTO public.floated VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', 1, '1<!channel> *x* ‮ 华星''"\ 😀');
INSERT INTO public.floated VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', 2, '2<!channel> *x* ‮ 华星''"\ 😀');
INSERT INTO public.inbox VALUES ('once-0', '25b736285c723772aee7eb874062b31d81abad0ef583bbac194f54cd4e1e8854', '01a3185c5001cf2409d45634932c', '32CD-043F-0D17-AF46', 1800000000001);
INSERT INTO public.inbox VALUES ('once-1', '51ee61abd304afdbf14f34b5a6231436f3ed0be4a1329aa3e8771f17553fc792', '01a3185c5002b938802af6e36683', 'FE38-F99A-9CAC-2EA5', 1800000000002);
INSERT INTO public.inbox VALUES ('once-2', 'f10b088e5de69fd8edb55e74a13d7d4c86b0844e26173133b7a029c00312575a', '01a3185c50038b8d87e0d421e6df', 'EDAF-B2D6-B2B7-0CBA', 1800000000003);
INSERT INTO public.inbox VALUES ('once-3', '0df0e07781108d013fa5a87bd64422d2eea884865fc1a54fa89e626bedc44e44', '01a3185c50047b6a587a24ad96c7', 'F879-066B-2634-AEA0', 1800000000004);
INSERT INTO public.inbox VALUES ('once-4', '423f9bed075b96aca89f75aabe922c7c4134722a6111d9741322331a4902462d', '01a3185c50054ec582a420ea781d', '100B-ECC6-5655-090C', 1800000000005);
INSERT INTO public.inbox VALUES ('once-5', 'dcf4839c75b8bb28775719a22c875610128adf69e3425ba0016241f16d25030d', '01a3185c50068f730bf4943c6482', '5B70-865F-FB4A-660E', 1800000000006);
INSERT INTO public.inbox VALUES ('once-6', '62d6fb23040a4dbb82d8d75c90156ba0511fb30efda8ee80f5a58f12b759f526', '01a3185c5007de53b322eb9e1151', '7CC4-17CB-543D-5477', 1800000000007);
INSERT INTO public.inbox VALUES ('once-7', '650d9518a1554b63dca578c7ff82399a9c347617779876c6c63533801d1154f8', '01a3185c5008016489c84e3c362a', '5E58-72D5-BA1F-925D', 1800000000008);
INSERT INTO public.inbox VALUES ('once-8', '46d32642ba463fca85c6052e7ace0e7d88a0c965e66bee6b5e7c1e5382254941', '01a3185c50094e0eb69fb3320239', '2F2C-7AD8-A5EE-D834', 1800000000009);
INSERT INTO public.inbox VALUES ('once-9', '601767706ad6432bcdc1f2f6ce82f31a36cd1278663448986958208a6fb184fb', '01a3185c500ad08a02beaa7c26cf', '8665-1009-CABB-BFFD', 1800000000010);
INSERT INTO public.inbox VALUES ('once-10', 'c160a5c62da6a85377d2f4fcfa06e538131fff8a186c0631734f716fa43ac712', '01a3185c500b0bbfe47351659729', '8B0C-C3A9-AE64-D003', 1800000000011);
INSERT INTO public.inbox VALUES ('once-11', 'd27f874f240fb17a8a91142708a48fc995eeb309cdbdf5b647be7517326bed37', '01a3185c500c17b2b2b27e231dc7', '558B-4F1D-8ED0-59E1', 1800000000012);
INSERT INTO public.inbox VALUES ('once-12', '75c14a18e97da3e644e83979a5f3c98467b2f8a8d9fa678aa8264de350928b67', '01a3185c500dcd4ae9766f1e4720', '9A77-5A08-C76E-4369', 1800000000013);
INSERT INTO public.inbox VALUES ('once-13', '501421f43275d045342903f459c6e5b769f79d91a2e29cbd22f77f33f28ad80c', '01a3185c500e3a9e3281afe28005', 'D886-4ABB-C6E6-3B9F', 1800000000014);
INSERT INTO public.inbox VALUES ('once-14', 'd34cc591480310999013446b68d2bb1d12eaa74d9bba3fa4de7f66ba948dfb56', '01a3185c500f553aa256748b32ea', '23B5-12F5-EDD8-E1F5', 1800000000015);
INSERT INTO public.inbox VALUES ('once-15', '6c0033d357aa5a425191ac354f129ff1f22a24d4a3b8e0e3c9b0234d26c90261', '01a3185c501061259993b2f460b8', '8B48-D25F-715B-1186', 1800000000016);
INSERT INTO public.inbox VALUES ('once-16', '66a511546cac230ab7734cd95ba0a272bb16111a6d52b5c91623ad84046d0899', '01a3185c50116c2df79639047409', '5FAB-2EC6-EAF5-98E2', 1800000000017);
INSERT INTO public.inbox VALUES ('once-17', 'af510a61850459ec2866b0c2f2247400d75f1d439ace06efa2fa53778ed79303', '01a3185c50120683458138cd56d9', 'DD12-7B2B-8B58-3F34', 1800000000018);
INSERT INTO public.inbox VALUES ('once-18', '172ee9b93568d2f19ebdc16d022cddfe87ba81c9f4c418b77be5c1a9f97674c1', '01a3185c5013da56f22a72edbd91', '86AF-DD35-FA0A-F2C8', 1800000000019);
INSERT INTO public.inbox VALUES ('once-19', '0236cd834ace26144957afc742cac8d308c4795544e9fb9fd5fab62e6c32df62', '01a3185c5014b5b1bae934bf53ca', 'F852-4293-05A5-7CF5', 1800000000020);
INSERT INTO public.inbox VALUES ('once-20', 'c5e58234da2ee90692a756f860f8ae48276b843c510ace00ff791402b00652c5', '01a3185c50157736e43a6fa7e6c6', 'D9A2-F2C9-2D2F-2092', 1800000000021);
INSERT INTO public.inbox VALUES ('once-21', 'b0642d1f6efc4d6a6ee3ef4da6920b6d6bd6d001eaaf6d09c808d4a7a9a3ccd5', '01a3185c5016560412cdd4a4a21c', '621F-C745-282F-5346', 1800000000022);
INSERT INTO public.inbox VALUES ('once-22', '7d4810e5fa41cdeaed51dcf8a13e8085d2a82180d47edfab400157e143254e90', '01a3185c50171e3170ebdf41f813', '54F7-952B-3506-D407', 1800000000023);
INSERT INTO public.inbox VALUES ('once-23', '7e585f226758ea01d7ab9bc033385903f6c041f2ad5c925b6154c7e7b1c1517d', '01a3185c5018c11cb62199378cd6', 'F69B-C748-0511-BE6B', 1800000000024);
INSERT INTO public.inbox VALUES ('once-24', '63a33c13c654ae902ac7e7590712304d3becf792a255c92e28221f650b4056df', '01a3185c5019fae9169c8ef3194f', 'E23D-E525-11C5-BFA9', 1800000000025);
INSERT INTO public.job VALUES (1, '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '\x0100ff', 1, '1<!channel> *x* ', '1<!channel> *x* ‮ 华星''"\ 😀', 1);
INSERT INTO public.job VALUES (2, '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '\x0200ff', 2, '2<!channel> *x* ', '2<!channel> *x* ‮ 华星''"\ 😀', 2);
INSERT INTO public.lease VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', 1, 1);
INSERT INTO public.lease VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', 2, 2);
INSERT INTO public.lesson VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ', '1<!channel> *x* ‮ 华星''"\ 😀', 1, 1, '1<!channel> *x* ‮ 华星''"\ 😀');
INSERT INTO public.lesson VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ', '2<!channel> *x* ‮ 华星''"\ 😀', 2, 2, '2<!channel> *x* ‮ 华星''"\ 😀');
INSERT INTO public.link VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', 1, 1, 1, '1<!channel> *x* ‮ 华星''"\ 😀');
INSERT INTO public.link VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', 2, 2, 2, '2<!channel> *x* ‮ 华星''"\ 😀');
INSERT INTO public.link_code VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', 1, 1);
INSERT INTO public.link_code VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', 2, 2);
INSERT INTO public.login VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ', '1<!channel> *x* ‮ 华星''"\ 😀', 1, 1);
INSERT INTO public.login VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ', '2<!channel> *x* ‮ 华星''"\ 😀', 2, 2);
INSERT INTO public.member VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ');
INSERT INTO public.member VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ');
INSERT INTO public.mirror VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', 1, '\x0100ff', false, 1);
INSERT INTO public.mirror VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', 2, '\x0200ff', true, 2);
INSERT INTO public.named VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', 1);
INSERT INTO public.named VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', 2);
INSERT INTO public.outbox VALUES ('01a3185c5001c317c881313252cb', 'local', 'local:account:acme', 'f0', '01a3185c5001cf2409d45634932c', '727f05a5e0e2900853c9d1eb6a966351386ee048a21afb38bd8a7fdd0d47645c', '32CD-043F-0D17-AF46', '["01a3185c5001cf2409d45634932c"]', '[Web card 1.0]', 'waiting', NULL, 0, 1800000000001, 0, '', NULL, false, '', 1800000000001);
INSERT INTO public.outbox VALUES ('01a3185c5003b74daad197114a50', 'local', 'local:account:acme', 'f2', '01a3185c50038b8d87e0d421e6df', 'c51b8e2bb83852e7c628256364400775a8ebd8851d796d44cc36d6d3a46548b1', 'EDAF-B2D6-B2B7-0CBA', '["01a3185c50038b8d87e0d421e6df"]', '[Web card 1.0]', 'waiting', NULL, 0, 1800000000003, 0, '', NULL, false, '', 1800000000003);
INSERT INTO public.outbox VALUES ('01a3185c5005a9f0f700e5b38372', 'local', 'local:account:acme', 'f1', '01a3185c5002b938802af6e36683', '311d262a87cb99f554c2b9b7c117c609ab9c08c4b6b0064f5b3f1cf6a427c334', '100B-ECC6-5655-090C', '["01a3185c5002b938802af6e36683"]', '[Web card 1.0]', 'waiting', NULL, 0, 1800000000005, 0, '', NULL, false, '', 1800000000005);
INSERT INTO public.outbox VALUES ('01a3185c50026f4ea1009a96dcbe', 'local', 'local:account:acme', 'f1', '01a3185c5002b938802af6e36683', '311d262a87cb99f554c2b9b7c117c609ab9c08c4b6b0064f5b3f1cf6a427c334', 'FE38-F99A-9CAC-2EA5', '["01a3185c5002b938802af6e36683"]', '[Web card 1.0]', 'superseded', NULL, 0, 1800000000002, 0, '', NULL, false, '', 1800000000002);
INSERT INTO public.outbox VALUES ('01a3185c5019a730bf6bda0c0051', 'local', 'local:account:erased', 'phone', '01a3185c5019fae9169c8ef3194f', 'bb2292d49b4c66476f6265ee5f4832d7cfebb8863aa03afe503d636306373087', 'E23D-E525-11C5-BFA9', '["01a3185c5019fae9169c8ef3194f"]', '[Web card 1.0]', 'superseded', NULL, 0, 1800000000025, 0, '', NULL, false, '', 1800000000025);
INSERT INTO public.person VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', false, false, '1<!channel> *x* ', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀');
INSERT INTO public.person VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', true, true, '2<!channel> *x* ', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀');
INSERT INTO public.policy_used VALUES ('06abd3d99c7e6a3e8b9d55e4da0572f82c82e7e02d2dff5b4a2bcc90ec5ef2b5', '{"authority":[],"fallback":"review","master":null,"merge":null,"min_role":null,"mode":"master_wins","name":"default","normaliser":"identity","order":[],"propose_only":[],"rank":[]}');
INSERT INTO public.rendering VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', 1, '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', 1, '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀');
INSERT INTO public.rendering VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', 2, '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', 2, '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀');
INSERT INTO public.room VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ', false, false, 1, 1, 1, '1<!channel> *x* ');
INSERT INTO public.room VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ', true, true, 2, 2, 2, '2<!channel> *x* ');
INSERT INTO public.room_mentioning VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', 1, 1);
INSERT INTO public.room_mentioning VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', 2, 2);
INSERT INTO public.seen VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', 1);
INSERT INTO public.seen VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', 2);
INSERT INTO public.shard_head VALUES (4, 24, '8a3ccbac835fc5a90f075ca82f7776c181ba2ca46c9e445b1b6a3bf7574f9aaf');
INSERT INTO public.shard_head VALUES (12, 1, '4553078a44c430f1e3a7819bc07c9301c0f1d1414dd00335f88b7c70f27e8907');
INSERT INTO public.slot VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', 1, 1, '1<!channel> *x* ‮ 华星''"\ 😀');
INSERT INTO public.slot VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', 2, 2, '2<!channel> *x* ‮ 华星''"\ 😀');
INSERT INTO public.slot_record VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀');
INSERT INTO public.slot_record VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀');
INSERT INTO public.subject_key VALUES ('local:account:acme', '\x5a867f176e59a1d26e8023e2e251bd905e2f131397d73c5ab37e4338e8ed55e3e76e34aa8538cb48760231205d32c14ed57f7534909e660f03e0fffd', NULL);
INSERT INTO public.subject_key VALUES ('local:account:erased', NULL, 1800000000026);
INSERT INTO public.token VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', 1, 1);
INSERT INTO public.token VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', 2, 2);
INSERT INTO public.trail VALUES (1, '1<!channel> *x* ‮ 华星''"\ 😀', 1, '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀');
INSERT INTO public.trail VALUES (2, '2<!channel> *x* ‮ 华星''"\ 😀', 2, '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀');
INSERT INTO public.value VALUES ('01a3185c5001cf2409d45634932c', 'local:account:acme', '\x373dd44e5f2248926f39a114b8948faaed72c5cf1325e2a11a663c7798017c4e2bc95ab113f17abac1d4b6883332395b6120cdeeee99e9613af74ac065526d87e8dd1b');
INSERT INTO public.value VALUES ('01a3185c5002b938802af6e36683', 'local:account:acme', '\x5a6de5822830837bcdb532472bddcc6b9ed67565a1329c5d2db914a61e3f4058a4a94f71e47cc22f1c3ae2d92ebe206f74ffc912e1900bb97eee9177da35fa7b33dc6e');
INSERT INTO public.value VALUES ('01a3185c50038b8d87e0d421e6df', 'local:account:acme', '\x7722f6a6d0fbb82c7149318e95b0cb156ec9f75b51ffce5fb9feceb65c5f10e2899a2f6bb26b3e95317afeedccb2da6b01d20d3a753f0b307e20e67cd5144fe01c0a16');
INSERT INTO public.value VALUES ('01a3185c50047b6a587a24ad96c7', 'local:account:acme', '\x143128ae6a83126460fcb8871dd67875a1a92799b2e223c9a973bc62d5c233634f54047ad10ae072f9909fc7832c06b9bf545957964285810fcf1ad81722c6460b3e84');
INSERT INTO public.value VALUES ('01a3185c50054ec582a420ea781d', 'local:account:acme', '\x38e4031c8216c7b6ba1af97e2ae7b67317a0259d57835f3f97e2f2cf0542fc31c125e913a4c6e708955b13fdc7dcd2165e3a35187cd5346ef6a8d8dd10b5438ae291d3');
INSERT INTO public.value VALUES ('01a3185c50068f730bf4943c6482', 'local:account:acme', '\x83a001c426ed43b0a75e7b9a3bf704449daa80385b260a9aeddc3aa7bcda6c044ebf559998b52b820c82e1828068b3fbadd0baaf9c6caceb12e8454b3e732365077a84');
INSERT INTO public.value VALUES ('01a3185c5007de53b322eb9e1151', 'local:account:acme', '\x7a4c87730073b96433cb443c802e83e5d9921a91dcb67755bf239f5dcd707909fee377b992ec7e1a114bba1e6b10f8304c5285e554dfc92d4a92db10c0762d3125222e');
INSERT INTO public.value VALUES ('01a3185c50094e0eb69fb3320239', 'local:account:acme', '\xd80cafb62c1e3c458c331d1c7b383e8e92b99243fdf0c985bab44d04ed2ac3c97fc016fee15f5b341397272a76d1d358552115fc31581492050db88265b9723ee7c6f9');
INSERT INTO public.value VALUES ('01a3185c500ad08a02beaa7c26cf', 'local:account:acme', '\xc07e9d55ecb9d4f50c98f4cc9dabe8f7fd4c2f67468a644f529c755f1f78ee91a174884d120ea8b0cd7b7ac954cf46b6ddc31acb826829502d1a6dd1b57aba2005e4e9');
INSERT INTO public.value VALUES ('01a3185c500b0bbfe47351659729', 'local:account:acme', '\x892d03328eefed0eca852db8deaea0434f1207dfd4b495920fd39b036d71956948bab03ff1e56f20efce1ca2ec24de410a2ac46be95e98b4c0cc008222c3a715f28b0f13');
INSERT INTO public.value VALUES ('01a3185c500c17b2b2b27e231dc7', 'local:account:acme', '\x52dfde707502cbf2345ede579a296a40204d8c961b5fe602a0e90235a7469fe4072f41c0a6c58a576f34ef3ac14286643d697ca6d2af22801d01f22baa50f4d618a06ac4');
INSERT INTO public.value VALUES ('01a3185c500dcd4ae9766f1e4720', 'local:account:acme', '\x64d8d1e94c20125830a48453d1b4503b8e5aa7d189ac812a0bcf930680f8150f0af94f5242c85377186d10bb296e8e04b832b00f86317fe72bb6bcc82c52c3f9b7c62edb');
INSERT INTO public.value VALUES ('01a3185c500e3a9e3281afe28005', 'local:account:acme', '\xd7f7ab30f5e1a9770fb015b08a8cb121839efa863111aec1494d91f3a1cf14bc91faed65cdd09c68f4100b28d27411d8561dc0c98452343a668254c0c73d60d4975ccef0');
INSERT INTO public.value VALUES ('01a3185c500f553aa256748b32ea', 'local:account:acme', '\x02d3ffedb54c03ab2d6766e092e6616cee7c4f0dc763fbb2113558e5a11146f9b92e603e9426665d6c43a652468cc170d2c6b75c81ef6f9f2c51061e0081b3b3fa2e0c13');
INSERT INTO public.value VALUES ('01a3185c501061259993b2f460b8', 'local:account:acme', '\xa7da7bc6dd85a4c7a3bd9a80acdf63d741d4fc5224d71543296c38912bed8673ef4027c0fa52c07eb83cdc4708dec60284d374d5807639fc811941d71dc6a61a017bd029');
INSERT INTO public.value VALUES ('01a3185c50116c2df79639047409', 'local:account:acme', '\xca28c8859c02c21530f2e4beb87124000d4a5dc6a8331eb9866ca72588ae95b867474941f6d21e1382f761f274cb9efd93dc645df6690733d6ff72e30659c08efa95f3bc');
INSERT INTO public.value VALUES ('01a3185c50120683458138cd56d9', 'local:account:acme', '\x9bbe8def03fc7f8d26534d868b31d6d9aaf076bf13341c48ffa6a28cf1ed1c03044c32640fa2cab4509cebac3eb8040dd724f1dd7e0097df2e7b33f2cc6fb37adc07b684');
INSERT INTO public.value VALUES ('01a3185c5013da56f22a72edbd91', 'local:account:acme', '\xddc17d4b4e4f14053b996b5fcd350304a2b18de7294b24e1f34d7425899d89956b2e5f98781dc76dc4b3e430611a6710e656268da9055bdee96f52e75e2cb766cc35095e');
INSERT INTO public.value VALUES ('01a3185c5014b5b1bae934bf53ca', 'local:account:acme', '\x385198352a1eda023b49a0ebdafc67809ed2080c933fbdde3ca05137416cd75eca260d9c4ee246124b2dc4e88edf16e9a5c2fb9fb437ea782b6365c47de42db7ff81ff8d');
INSERT INTO public.value VALUES ('01a3185c50157736e43a6fa7e6c6', 'local:account:acme', '\xf60eb43b10aaf86d25b91e04de7a9db519691c5c86785cd817e647275030f9bfadafd06caedd9b4baac13d771b9ca09b344f543ea999a41bdd5e6cd42a3d8abc47aacb49');
INSERT INTO public.value VALUES ('01a3185c5016560412cdd4a4a21c', 'local:account:acme', '\x506dfd8b4d84fb202e7eb5f2f9fb85b912a3ac95c7dd36dfedcec2f6edbdcd543a11884718dd91bedfc368ebd95946ca14f4034732df6b99c8b18e6ba4bb8926cc4fb8b5');
INSERT INTO public.value VALUES ('01a3185c50171e3170ebdf41f813', 'local:account:acme', '\x3e41fa895959c6e5fa346d4df87aa97c37340755d13394cbf27786d42629a72b645b58daebee02acbc1702adf28637f6f00cad6782614784a73c0be6b147a16f53a86149');
INSERT INTO public.value VALUES ('01a3185c5018c11cb62199378cd6', 'local:account:acme', '\x91c55b68457b85e1be0fc85949c810e6462fd09252661d488c7c116bc732046442e4bf25cf42672050d50c404a35bb260aa7ef493a5dca243cf22f9831c41af8582e03f5');
INSERT INTO public.value VALUES ('01a3185c5019fae9169c8ef3194f', 'local:account:erased', '\xbbb1be67a78506cd35aea9c6e22dbf4d3f4c92f36c4c1b446a9e1af6473decaa4ca7');
INSERT INTO public.watermark VALUES ('1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', '1<!channel> *x* ‮ 华星''"\ 😀', 1, 1, '1<!channel> *x* ‮ 华星''"\ 😀', 1, '1<!channel> *x* ');
INSERT INTO public.watermark VALUES ('2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', '2<!channel> *x* ‮ 华星''"\ 😀', 2, 2, '2<!channel> *x* ‮ 华星''"\ 😀', 2, '2<!channel> *x* ');
SELECT pg_catalog.setval('public.job_id_seq', 1, false);
SELECT pg_catalog.setval('public.trail_id_seq', 1, false);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.account
    ADD CONSTRAINT pk_account PRIMARY KEY (im);
ALTER TABLE ONLY public.ack
    ADD CONSTRAINT pk_ack PRIMARY KEY (target, record, field, version);
ALTER TABLE ONLY public.alert
    ADD CONSTRAINT pk_alert PRIMARY KEY (id);
ALTER TABLE ONLY public.choice
    ADD CONSTRAINT pk_choice PRIMARY KEY (room, name);
ALTER TABLE ONLY public.common_name
    ADD CONSTRAINT pk_common_name PRIMARY KEY (name);
ALTER TABLE ONLY public.conflict
    ADD CONSTRAINT pk_conflict PRIMARY KEY (id);
ALTER TABLE ONLY public.counter
    ADD CONSTRAINT pk_counter PRIMARY KEY (name);
ALTER TABLE ONLY public.daily_root
    ADD CONSTRAINT pk_daily_root PRIMARY KEY (day);
ALTER TABLE ONLY public.decision
    ADD CONSTRAINT pk_decision PRIMARY KEY (shard, seq);
ALTER TABLE ONLY public.due
    ADD CONSTRAINT pk_due PRIMARY KEY (key);
ALTER TABLE ONLY public.edit
    ADD CONSTRAINT pk_edit PRIMARY KEY (id);
ALTER TABLE ONLY public.feed
    ADD CONSTRAINT pk_feed PRIMARY KEY (crm);
ALTER TABLE ONLY public.field_state
    ADD CONSTRAINT pk_field_state PRIMARY KEY (record, field);
ALTER TABLE ONLY public.floatcard_meta
    ADD CONSTRAINT pk_floatcard_meta PRIMARY KEY (key);
ALTER TABLE ONLY public.floated
    ADD CONSTRAINT pk_floated PRIMARY KEY (room, record);
ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT pk_inbox PRIMARY KEY (once, payload_hash);
ALTER TABLE ONLY public.job
    ADD CONSTRAINT pk_job PRIMARY KEY (id);
ALTER TABLE ONLY public.lease
    ADD CONSTRAINT pk_lease PRIMARY KEY (name);
ALTER TABLE ONLY public.lesson
    ADD CONSTRAINT pk_lesson PRIMARY KEY (id);
ALTER TABLE ONLY public.link
    ADD CONSTRAINT pk_link PRIMARY KEY (id);
ALTER TABLE ONLY public.link_code
    ADD CONSTRAINT pk_link_code PRIMARY KEY (hash);
ALTER TABLE ONLY public.login
    ADD CONSTRAINT pk_login PRIMARY KEY (hash);
ALTER TABLE ONLY public.member
    ADD CONSTRAINT pk_member PRIMARY KEY (room, im);
ALTER TABLE ONLY public.mirror
    ADD CONSTRAINT pk_mirror PRIMARY KEY (ref);
ALTER TABLE ONLY public.named
    ADD CONSTRAINT pk_named PRIMARY KEY (room, record);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT pk_outbox PRIMARY KEY (id);
ALTER TABLE ONLY public.person
    ADD CONSTRAINT pk_person PRIMARY KEY (id);
ALTER TABLE ONLY public.policy_used
    ADD CONSTRAINT pk_policy_used PRIMARY KEY (hash);
ALTER TABLE ONLY public.rendering
    ADD CONSTRAINT pk_rendering PRIMARY KEY (record, field, target);
ALTER TABLE ONLY public.room
    ADD CONSTRAINT pk_room PRIMARY KEY (key);
ALTER TABLE ONLY public.room_mentioning
    ADD CONSTRAINT pk_room_mentioning PRIMARY KEY (room);
ALTER TABLE ONLY public.seen
    ADD CONSTRAINT pk_seen PRIMARY KEY (once);
ALTER TABLE ONLY public.shard_head
    ADD CONSTRAINT pk_shard_head PRIMARY KEY (shard);
ALTER TABLE ONLY public.slot
    ADD CONSTRAINT pk_slot PRIMARY KEY (id);
ALTER TABLE ONLY public.slot_record
    ADD CONSTRAINT pk_slot_record PRIMARY KEY (slot, record);
ALTER TABLE ONLY public.subject_key
    ADD CONSTRAINT pk_subject_key PRIMARY KEY (subject);
ALTER TABLE ONLY public.token
    ADD CONSTRAINT pk_token PRIMARY KEY (hash);
ALTER TABLE ONLY public.trail
    ADD CONSTRAINT pk_trail PRIMARY KEY (id);
ALTER TABLE ONLY public.value
    ADD CONSTRAINT pk_value PRIMARY KEY (id);
ALTER TABLE ONLY public.watermark
    ADD CONSTRAINT pk_watermark PRIMARY KEY (source, stream, record);
CREATE INDEX conflict_closed_by ON public.conflict USING btree (closed_by);
CREATE INDEX conflict_open ON public.conflict USING btree (closed_at, opened_at);
CREATE UNIQUE INDEX decision_id ON public.decision USING btree (id);
CREATE UNIQUE INDEX edit_field ON public.edit USING btree (record, field, n);
CREATE INDEX ix_alert_record ON public.alert USING btree (record);
CREATE INDEX ix_due_at ON public.due USING btree (at);
CREATE INDEX ix_link_person ON public.link USING btree (person);
CREATE INDEX ix_mirror_crm ON public.mirror USING btree (crm);
CREATE INDEX ix_trail_at ON public.trail USING btree (at);
CREATE INDEX ix_trail_room ON public.trail USING btree (room);
CREATE INDEX ix_trail_turn ON public.trail USING btree (turn);
CREATE INDEX job_state ON public.job USING btree (state, id);
CREATE INDEX lesson_at ON public.lesson USING btree (at);
CREATE INDEX lesson_name ON public.lesson USING btree (name, kind, at);
CREATE INDEX lesson_room ON public.lesson USING btree (room, kind, at);
CREATE INDEX link_key ON public.link USING btree (kind, key);
CREATE INDEX mirror_at ON public.mirror USING btree (at);
CREATE INDEX outbox_due ON public.outbox USING btree (state, target, due_at);
CREATE INDEX outbox_record ON public.outbox USING btree (record, field, state);
CREATE INDEX seen_at ON public.seen USING btree (at);
CREATE INDEX slot_record_record ON public.slot_record USING btree (record);
CREATE INDEX slot_room ON public.slot USING btree (room, purpose);
CREATE INDEX slot_subject ON public.slot USING btree (subject);
