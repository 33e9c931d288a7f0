"""The rollups themselves: continuous aggregates where TimescaleDB has them, tables that LICS fills elsewhere.

Not in a transaction, one statement a call, each repeatable, so that a crash in between is mended by running it again. They have the
same names and columns on both kinds of database. The way back drops them, also what they hold of values deleted since.
"""
# ruff: noqa: S608 - every name is our own

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = False

NOTHING = "SELECT 1;"  # aerich runs what is returned, and refuses an empty way back
SHIPPING_LOCK = 0x6C696374  # store/late.py


def _total(value: str) -> str:
    """A sum that becomes infinite where PostgreSQL's own fails: above 1e290 values are added as 2^-64 of themselves, which is exact."""
    huge = f"abs({value}) > 1e290 AND abs({value}) < 'Infinity'"
    usual, small = f"sum({value}) FILTER (WHERE NOT ({huge}))", 2.0**-64
    scaled = f"(CASE WHEN abs({usual}) > 1 THEN {usual} * {small!r} ELSE 0 END + sum({value} * {small!r}) FILTER (WHERE {huge}))"
    return f"""CASE WHEN count(*) FILTER (WHERE {huge}) = 0 THEN {usual}
        WHEN abs({scaled}) < 9.7e288 THEN {scaled} / {small!r} ELSE {scaled} * 'Infinity' END"""


VALUES = f"""count(*) AS count, {_total("value")} AS sum, min(value) AS min, max(value) AS max,
    (array_agg(value ORDER BY time, epoch, seq))[1] AS first,
    (array_agg(value ORDER BY time DESC, epoch DESC, seq DESC))[1] AS last"""
ROLLED = f"""sum(count)::bigint AS count, {_total("sum")} AS sum, min(min) AS min, max(max) AS max,
    (array_agg(first ORDER BY bucket))[1] AS first, (array_agg(last ORDER BY bucket DESC))[1] AS last"""
NUMBERS = "range_agg(int8range(seq, seq + 1)) FILTER (WHERE seq < 9223372036854775807) AS seqs"

# name, key, what it is made of; each reads what stands before it
AGGREGATES = (
    (
        "telemetry_1m",
        "device_id, metric, bucket",
        f"SELECT device_id, metric, time_bucket('1 minute', time) AS bucket, {VALUES} FROM telemetry GROUP BY 1, 2, 3",
    ),
    (
        "telemetry_1h",
        "device_id, metric, bucket",
        f"SELECT device_id, metric, time_bucket('1 hour', bucket) AS bucket, {ROLLED} FROM telemetry_1m GROUP BY 1, 2, 3",
    ),
    (
        "telemetry_seq_1h",
        "device_id, bucket, epoch",
        f"SELECT device_id, epoch, time_bucket('1 hour', time) AS bucket, {NUMBERS} FROM telemetry GROUP BY 1, 2, 3",
    ),
    (
        "device_event_seq_1h",
        "device_id, bucket, epoch",
        f"""SELECT device_id, epoch, time_bucket('1 hour', time) AS bucket, {NUMBERS}
            FROM device_event WHERE type NOT LIKE 'lics.%' GROUP BY 1, 2, 3""",
    ),
)
COMPRESSED = ("telemetry_1m", "telemetry_1h")
COMPRESS_AFTER = "30 days"  # what comes late is mended there, too, but costs more
VALUE_COLUMNS = """device_id uuid NOT NULL, metric varchar(100) NOT NULL, bucket timestamptz NOT NULL, count bigint NOT NULL,
    sum float8 NOT NULL, min float8 NOT NULL, max float8 NOT NULL, first float8 NOT NULL, last float8 NOT NULL,
    PRIMARY KEY (device_id, metric, bucket)"""
NUMBER_COLUMNS = """device_id uuid NOT NULL, epoch int NOT NULL, bucket timestamptz NOT NULL, seqs int8multirange,
    PRIMARY KEY (device_id, bucket, epoch)"""
TABLES = {
    "telemetry_1m": VALUE_COLUMNS,
    "telemetry_1h": VALUE_COLUMNS,
    "telemetry_seq_1h": NUMBER_COLUMNS,
    "device_event_seq_1h": NUMBER_COLUMNS,
}
# Among many chunks the newest row of each series cannot be found quickly, so it is kept; plain PostgreSQL finds it in one index.
LATEST = """CREATE TABLE IF NOT EXISTS telemetry_latest (device_id uuid NOT NULL, metric varchar(100) NOT NULL,
    time timestamptz NOT NULL, value float8 NOT NULL, tags jsonb, epoch int NOT NULL, seq bigint NOT NULL,
    PRIMARY KEY (device_id, metric))"""
# Called by who writes rows, before the commit: from here to there no threshold moves, and rows before one are to be told.
THRESHOLDS = f"""CREATE OR REPLACE FUNCTION lics_rollup_thresholds() RETURNS TABLE (source text, threshold timestamptz)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({SHIPPING_LOCK});
    RETURN QUERY SELECT state.source::text, state.threshold FROM rollup_state state WHERE state.threshold IS NOT NULL;
END $$"""


async def _value(db: BaseDBAsyncClient, query: str) -> object:
    _, rows = await db.execute_query(query)
    return next(iter(dict(rows[0]).values())) if rows else None


async def _aggregates(db: BaseDBAsyncClient) -> bool:
    """Return whether there are continuous aggregates: TimescaleDB's Apache edition has none."""
    if not await _value(db, "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"):
        return False
    return await _value(db, "SELECT current_setting('timescaledb.license', true)") == "timescale"


async def _compress(db: BaseDBAsyncClient, name: str) -> None:
    await db.execute_query(
        f"ALTER MATERIALIZED VIEW {name} SET (timescaledb.compress = true, timescaledb.compress_segmentby = 'device_id, metric',"
        " timescaledb.compress_orderby = 'bucket DESC')"
    )
    await db.execute_query(f"SELECT add_compression_policy('{name}', INTERVAL '{COMPRESS_AFTER}', if_not_exists => true)")


async def upgrade(db: BaseDBAsyncClient) -> str:
    if db is None:  # aerich reads migrations without a database, too
        return NOTHING
    if await _aggregates(db):
        for name, key, query in AGGREGATES:
            await db.execute_query(
                f"CREATE MATERIALIZED VIEW IF NOT EXISTS {name} WITH (timescaledb.continuous, timescaledb.materialized_only = false,"
                f" timescaledb.create_group_indexes = false) AS {query} WITH NO DATA"
            )
            await db.execute_query(f"CREATE INDEX IF NOT EXISTS idx_{name} ON {name} ({key})")
            if name in COMPRESSED:
                await _compress(db, name)
        await db.execute_query(LATEST)
    else:
        for name, columns in TABLES.items():
            await db.execute_query(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
    await db.execute_query(THRESHOLDS)
    return NOTHING


async def downgrade(db: BaseDBAsyncClient) -> str:
    if db is None:
        return NOTHING
    for name, _, _ in reversed(AGGREGATES):
        kind = await _value(db, f"SELECT relkind::text FROM pg_class WHERE oid = to_regclass('{name}')")
        if kind is not None:
            await db.execute_query(f"DROP {'MATERIALIZED VIEW' if kind == 'v' else 'TABLE'} IF EXISTS {name}")
    return """
        DROP TABLE IF EXISTS "telemetry_latest";
        DROP FUNCTION IF EXISTS lics_rollup_thresholds();
        UPDATE "rollup_state" SET "threshold" = NULL, "materialised" = NULL;
        DELETE FROM "rollup_late";"""


MODELS_STATE = (
    "eJztXVlz2zgS/isovcTZ0ngT2znWmZotO1EmnnLslOzs3EVCZEvCmCIYArLjyeS/LwCS4i"
    "GSEnSZUvBiS0A3AH2No7vRAL60RtQFj+2feDgctY7Rl5aPRyA+5DPaqIWDIE2WCRz3PEWJ"
    "JyQ9xkPscJHYxx4DkeQCc0IScEJ9SXpFR8CHxB8gPsQc+QAuayMaqk/gthFGAYSM+q8Q9Q"
    "HRAHwU0juZiBgdhw4g7LvohvjuPrIdOva5fYyGgoL2uaAlHN1hhkJMGLj7sk0udUSjRI0P"
    "U/3YJ5/GYHE6EBVDKBrx+58iWRQAn4HJr19afQKeqz63okoko6yjJUnhcxACYwJAlnAnIh"
    "oT97Ol0LdkU5VQ7gOV1VKcQhryC/r5XafbQY4HOATXEr/87ApdfDw/b31to1z9UcsFheQn"
    "MxuQ1h8xVrag9VWyBTeWqivXz4jiUulWwntKBmc+f6topQx7lkO98chP6YN7PqT+hIH4qs"
    "UD8CHEHGQNPBzLDuiPPS/uqEmfjGSSkkTCyPC40MdjT3ZjyR01IE1rWdbF5bV11bm2rNZU"
    "F084Mt0uTnIEgAIO0VSmABjIJnz3n4ODw8MXB08On798dvTixbOXT14KWtXe6awXX6PGpG"
    "hFRSnMzn48u7iWDaJiDEYjUyZ8VTyYYyuVc4p+2uHyEng9xGE5/ilHQQbixxVlkCBeJ4Qk"
    "IZVCOndsQgwj/NnywB/wofh68OxZDcT/O+m+fnfS3RNUj/NAX8RZB1HeVzWuEozVUNZAOK"
    "HfQXyfPnkyB76CqhJflZfHl8EthITfa/XiDM8O4nx4MAfMhweVKMusPMgjsQTgQclMcS0m"
    "+XKMMyw7AXENpNedX9TUO2Lsk5eFcu/9yS8K5dF9nHN+efFjQp6B/vX55WkB8txinAf9jU"
    "CNkxGUA59jLEDvxpz7yYcdE8TZ+87V9cn7DzlpvDm57sicg5wkktS954VxMCkE/Xx2/Q7J"
    "r+i3y4uOgpMyPghVjSnd9W9Sk2rhMaeWT+8s7GYxSZKTpJyQU6VMV8p5zhWIOdZ+jJTXIG"
    "VpKkwLuFLJndDP1nNXNV6frlfPPXh69OLo5eHzo4l6O0mp02ojDVYaD/2bjAIrE3rYubnD"
    "oWtN5dADWkU7nTU6GBVTsC+WLTf+RbJxsS38mo5EnttVQp6ylDO57Tpz2Yno5jOYT1BMrg"
    "zPO2FCgrQyGRdfmRiyQ0C2b/OhMEBFOpMZHNi05btEOZomrAu3xAErMtOw40DANS3KuKVW"
    "VFKNTVkwXpeqLGFelQn78ePZGw0Ddixs+X3Js8jwnm3Htr7vj31HdiqkapJ/jn5obX7mjh"
    "TPaCrOTrLqp9ebqrmONS/YOaZVYt7cxXEmxCmk6r+GRp/QG3V+AXUehwM2DfZPV5cX5WAn"
    "9EXNjjgc/YM8wtamCjwM6BKJetCL+BY6uCygCHogWuOQAHs63TzHZPr6An2duDAKKIcypf"
    "eUUmG5+FWLY5axgH1PcO4W+KeXl+c58E/Piuh+fH/a6e49VZIQRITnPLuZ6cXhY6mzaQKe"
    "ZTNwzw+3C9j1iF+yfNZb7Vk+45pptNFesCd0pFxgNYJutKCVsau1e5Aw7IRysO6tA4XWAo"
    "Moy2dGUKNHkK/h2/Q369dc/xb+Uq7NLIoQUGdYor/VRENMWBYCtGEe/02GRGS22QAzWtKB"
    "q+3DlGOh+b9hqG98W3PsazrxUo4lPHjbg7qGA0/UgT1NNLM8Bs+mbS5dSaWnfodpQtKeY5"
    "vJmuiqszebLn2INn7kLhBOdoweMeSRPrxCoi7w3e+o791PbzBp8pZsKv0+aXLUN/3Wn3Pv"
    "MykVUGO3J1ItZ24wmaDFRgYt5vvJvPNensvsBRX3gowKvwIV3mxSrrxjGu/MWr0zifdExz"
    "OT8BivTKO9MqIoic2UcKv3nFOOpXadt8c2WMumM4QhDXUcChMG40/Q9yd44A4gtBh80tPJ"
    "83zGf7ao/8x4LTeFekM8FW8is7nEQfFmYlBX+yVSo3ue6NeIGmGGAqCBByiEgViDIAQXEd"
    "5W0ayTeFVJJr+IMmmIPMy4IA9oyBVxWVDsKov/w//Dt28hlM4HG6kIbobu5DnTuGxniH0B"
    "KNqT0badazx4/EoF3qryHrG4MIY8wLcqOhd71IdFYnCVWOY5PBpbHjLNIr41ZtXekPgQKX"
    "ZHxEff/4AehULFEzg9morDTaIE5wvAzTXBhN82Nvy2PFa02grbqVjRDZwSVQBp4JvQ7yC+"
    "qzdy3ZCImVkH3pRjBwF+fjQHwM+PKgGWWQUlnDpYtUkD4izPLhg+G5gkGHAumqAVR57l2X"
    "wseWbp642JJ1rC9mW1D7H6rcXYd3CAe8QjnJTF3laLpchnRLNy0TAiRiO3SsTy1qO4wjbN"
    "MhVk0pdc65LG4ZP9J5vH/c3lx9PzDvrQ7bw+uzqLZTBxYqpMmZRGQnc7J+fFyHNpEuhM/B"
    "OGzS2tLfAlu7uurr1uBcYj/o3W2hrTbxBh2u8nge3biPAQsMdL/FjVGKccm0T5ZlsBZrgP"
    "mpe0TDg2CLCsdFshNq7Yh3CAmwDSzW74NOQ8wRZJYds2riMIegsdvSryGkk3WdLxfsm0kC"
    "sXrAyHuRynuBQ5YmVZ7MRintME9jR61IwDd0Ex5zmNmBst5mRM9rSspjzXDu5erMWzngwM"
    "PazzXAbraqwbFbvSuZUXjFQGsETZ7dlRLBZMKHWvPh+qEzHgIvEZx3Eo6ipyTjMRJ3sSb2"
    "R7xGH7KsVuI5vBJxv1ICoK0F90HPrYe8SQmH+IrO7xzJvP11976QGf6TM77YwHIo7EU8NH"
    "4+hPvA8+7xGgrOSsCbNmyEnTgqYf9FDQ9i+55tK5ZQWtc2bVBLqs9Tp02Zen8a3eiE7oTc"
    "T/EhH/5Y73NXndG9epV+zF0A7lXyaGv6Fgfjvh5G89AK5U7opj73mCWrW8L0lXoZUTX2m3"
    "bBxAeEukMimmOID5Feu6AjSjuROlcL546gwEVsJpjrc3bezV6ZxNMy6au5ZviXmRCaIXU9"
    "a0aGsuXI7pd0L33fQ+cfm7S9Vg79S7S5sG21y0/CCwm9iTzeLtAsekpI/XmNcTDmNg6xnY"
    "DbFPfoo83Jf9PoPSTYM8QbvOPom95RZNaWeaKO/oncgKEU587YiwxLyQOmQPMzhWXnuh8o"
    "cEGBoH0o9vJw55G+GwxHJZYbmzDZpKUyOuW8e9mmExxzh1j3EmwtMz8LJcxsuycKQoG5Ig"
    "WChuI89prLzGWXkNWay68Bc4Qugf8L1HcX6qrSCpXbDCmNgKMtRz3NsQk0dOsV5Ib0CtK0"
    "LoinUf2cS15YKDkUsGwLi8NlJdlqAe0AYHyK18kJtRQRFCACJHUvcYDXtlT3tvpspl3kLT"
    "c+MVgV/xZZXmfgTzPFnzd4qNI3SXlsicaGlAHB23xYTBuIm2wU30rQOeUZeKVpaPw/sKKy"
    "tlKj7FdR8/0bU7sJ/Gnp8J7AL107OLk+6v5biflniKTn+97pxMHfr/u2TRqI0eiDmMYbu4"
    "YTsOlDYLmhvHeT4jgG2M3+iCfK5RoPSOhuRvBVaJzVmgadcbnTG1NcyQz47lEGLxAN1ibw"
    "wseoaAgXJc9qBPQ0B2iO+sfkhHynOJRL2iIje6hM8nHpIqqLryz6doBELMTvRANhLcCHte"
    "XFxJEMgma54dWR2VMBVDbcI9GhnuYQzHlRuO8QCYwrM6yDjl2Al1dwNhxsmMpmugZ/mMkd"
    "44I71pSkV3rH53tUahCOZUJ8KEdq5NV4/6g2RNl6v2DQS8LXdIXXzP0N4F9eFYLdBwC+Hj"
    "fWRHk4h9LJb/AHMOoY/uCB8i+1+2Wtzt/9qvkB1P3bJv2AhGAb8XDH7Jk0oP1IZS/SKdHz"
    "OsRsPYDg3DLIcbOHWTGRYaQBfYdhDt1d9yJTUIOf1N41xzrWOWacFrHbcnBGsVtzqG1PPG"
    "wQJA5/kM1nNgbe7z2Fl92twx8c3dMdFVM+A55uWGS5pbb7VE86g39+utXXoX+x7jV00cUb"
    "FS/oW5gH00pOMwCo4hDMnSwZURndgLAbtC/5dGObI9emerKM8hGQxtYVAkL5ociwLuRPnC"
    "lpJvk8iYGU69kkicB2xHqenCRH1R4EzOaSabYQyY7TBgUhHOO2mmHDs4Ya7hfQzjg161D1"
    "rNL5raXMJj9LhG63FedAxdR7IxixFsowUrdQ3tMRvzGNE2WrSVF83WaXG7eNfsNxSYoiyo"
    "K15riF3xeS2xybPiOkf2VCE5Q+dYxXMkcSEjUWZIsEcYuPar6DiCQ0eZyBE+FKNgKCwcdX"
    "ZBmjpoj3GR9W9pGu4H9yW3/T1A/UscAXx47f5hTay16PY114skAtVd6XKM5lr1Jq922WGt"
    "K+Yir5F00yTdkPX1GjyQG8X3Zatrmlm7tvIc2cyF9dKPoyylg5GKL3Gw5F5yyo/tj1zEID"
    "pL9qxkaVyohLlDLtsV19rO7Wds2pEnc7HsUjOyifpcVtAm6rNRYS5q6pyGuCYeYMKxycc0"
    "tzcUgGO9130TenO5kLm919ze2xQwvx0n24mwFZ1hq8QCiHNq1X+c0szS/atFsITrqUz9+l"
    "b29Jcc8NWqbaWrvVoRq3a074ImtpYHi+Sg0kA4Jt9BdNei50pvQHyJ+LyaWIZlKWWsaWhv"
    "Qht70MXs6/8BtRpYFA=="
)
