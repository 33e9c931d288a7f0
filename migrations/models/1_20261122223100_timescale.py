"""Where TimescaleDB is there: the two great tables become hypertables, compressed when they are old. Elsewhere nothing.

Not in a transaction, one statement a call, each repeatable, so that a crash in between is mended by running it again. The way
back takes only the policies away: a hypertable stays one, with its data. Nothing is ever deleted by age.
"""

import logging

import asyncpg
from tortoise import BaseDBAsyncClient
from tortoise.exceptions import OperationalError

RUN_IN_TRANSACTION = False

log = logging.getLogger(__name__)

# table, interval of a chunk, age of compression, columns that share a compressed segment, order in it.
# A chunk of telemetry should fit in a quarter of the memory (TimescaleDB's manual): 300 devices at 20 values/s make about
# 50 GB a week uncompressed, so a day.
TABLES = (
    ("telemetry", "1 day", "7 days", "device_id, metric", '"time" DESC, epoch DESC, seq DESC'),
    ("device_event", "7 days", "30 days", "device_id", '"time" DESC, epoch DESC, seq DESC'),
)
NOTHING = "SELECT 1;"  # aerich runs what is returned, and refuses an empty way back


async def _value(db: BaseDBAsyncClient, query: str) -> object:
    _, rows = await db.execute_query(query)
    return next(iter(dict(rows[0]).values())) if rows else None


async def _extension_there(db: BaseDBAsyncClient) -> bool:
    """Create the extension if it can be. Its library must be preloaded: without, CREATE EXTENSION ends the session."""
    if await _value(db, "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"):
        return True
    if not await _value(db, "SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'"):
        return False
    if not await _value(db, "SELECT 1 FROM pg_settings WHERE name = 'timescaledb.disable_load'"):
        log.warning("TimescaleDB is installed but not in shared_preload_libraries; going on with plain tables")
        return False
    try:
        await db.execute_query("CREATE EXTENSION IF NOT EXISTS timescaledb")
    except OperationalError as error:
        if not isinstance(error.__cause__, asyncpg.InsufficientPrivilegeError):
            raise
        log.warning("TimescaleDB may not be created by this user; going on with plain tables")
        return False
    return True


async def upgrade(db: BaseDBAsyncClient) -> str:
    if db is None or not await _extension_there(db):  # aerich reads migrations without a database, too
        return NOTHING
    compresses = await _value(db, "SELECT current_setting('timescaledb.license', true)") == "timescale"
    for table, chunk, age, segment, order in TABLES:
        await db.execute_query(
            f"SELECT create_hypertable('{table}', 'time', chunk_time_interval => INTERVAL '{chunk}',"
            " create_default_indexes => false, migrate_data => true, if_not_exists => true)"
        )
        if not compresses:
            continue
        enabled = f"SELECT 1 FROM timescaledb_information.compression_settings WHERE hypertable_name = '{table}'"  # noqa: S608
        if not await _value(db, enabled):
            await db.execute_query(
                f"ALTER TABLE {table} SET (timescaledb.compress, timescaledb.compress_segmentby = '{segment}',"
                f" timescaledb.compress_orderby = '{order}')"
            )
        await db.execute_query(f"SELECT add_compression_policy('{table}', INTERVAL '{age}', if_not_exists => true)")
    return NOTHING


async def downgrade(db: BaseDBAsyncClient) -> str:
    if db is None or not await _value(db, "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"):
        return NOTHING
    if await _value(db, "SELECT current_setting('timescaledb.license', true)") != "timescale":
        return NOTHING
    return "".join(f"SELECT remove_compression_policy('{table}', if_exists => true);" for table, *_ in TABLES)


MODELS_STATE = (
    "eJztXW1z26gW/iuMvzSd8WZSJ2267c7O2I27zU6adBL37vvIWMI2G1moAiXN7c1/v4DeZU"
    "k2flFkly+tDecR5Dkgzjkc8LfWjFjIpoddG3qz1hvwreXAGeIfshVt0IKumxSLAgZHtpSE"
    "sciIMg+ajBeOoU0RL7IQNT3sMkwcIXpDZohNsTMBbAoZcBCyaBsQT35CVhtA4CKPEuctIA"
    "4CxEUO8Mi9KASU+J6JAHQscIsd6xAMTeI7bPgGTLkEGTMuixm4hxR4EFNkHYo+WcTkneIt"
    "Pk3zvoO/+MhgZMIbRh7vxF//8GL+APQVUfH1W2uMkW3Jz62gEQEUbbSEKPrqeohSTiCN0J"
    "GKfGx9NST7huiqVMqDK6taEsm1Ib6A3z70r/vAtBH0kGXwv/z8Blx+vrhoPbZBpv2g51xC"
    "4PHCDiTtB8DSHrQeBcy9NWRbmXGGJUqWGxG2hyfnDnsvZYUOR4ZJbH/mJPLuA5sSJwZgR/"
    "Z4ghzkQYZEC8zzxQB0fNsOB2o0JgOdJCKBMlIYC42hb4thLNBBB5KylmFcXg2Mm/7AMFpz"
    "QzxCpIZdWGRyAjkdvKtUEjARXfjhx07n+Pi0c3T86vXLk9PTl6+PXnNZ2d/5qtPHoDMJW8"
    "GjJGfnv5xfDkSHCJ+DwcwUBY8SAxk0Ej0n7CcDLquBd1PoFfOfIHI64H9cXgcR41VKiAoS"
    "LSTvjjrUMINfDRs5EzblXzsvX1ZQ/J/u9bsP3esDLvU8S/RlWNUJ6h7lvIo4llNZgeFIfg"
    "/5fXF0tAS/XKqUX1mX5ZeiO+Rh9qA0ilOYPeT5uLMEzcedUpZFVZbkGV8C4KTgTTHgL/li"
    "jlOQvaC4gtJB/3f56p1R+sVOU3nwsfu7ZHn2ENZcXF3+EomnqH93cdXLUZ5ZjLOkn3HWGJ"
    "6hYuIzwBz1Vog8jD7smSLOP/ZvBt2PnzLaOOsO+qKmk9FEVHrwKjcP4oeA384HH4D4Cv68"
    "uuxLOgllE0+2mMgN/hSWVAv6jBgOuTegleYkKo6KMkpOjDJVLWeRG1BzaP1oLW9By8JVmF"
    "dwqZEbyy+2czc1X19s187tvDg5PXl9/OokNm/jkiqrNrBghfMwvk0ZsKJgBM3be+hZxlwN"
    "6ZAy2fmqWWeWL4EOX7as8C8SnQt94Xdkxuusa6nkOU85VduucpfNQG45h7kLQnHpeN5zFx"
    "IJL5My/pXyKTtFYOgM2ZQ7oLycigqG6Lznu8ZzFF1YC91hExmBmwZNE7lM0aMMe2oET6rw"
    "KXPO61qNReBNubCfP5+fKTiwPvflDwVmlem92I9t/TT2HVMMKiBbEv+c/Nyq/80dGJ7Bqz"
    "j9kpV/erWrmhlYy5KdAW2S8+YujgspTiiV/ytY9JG8NudXMOehN6HzZP96c3VZTHYkn7fs"
    "sMnA/4CN6dZMgachXTBRTXqe39wAFw/Ik+7y3pjYhbbKMM+A9FhfYaxjC81cwlCR0dsjhH"
    "suTtnimAbmuB9x5H6R37u6usiQ3zvPs/v5Y69/ffBCaoILYZaJ7KZeLybzhc2mSHgapule"
    "nm4LQcvGTsHyWe21p3E6NNNopz3nT6hoOQfVim60oqWzq7R7EAH2wjjY9taBZGuFSZTG6R"
    "nU6BnkKMQ2nXrjmtvfwl8rtJlmEbnEnBbYbxXZEDFkJUIbFvGvMyUitc2GICUFA7jcP0wQ"
    "K73/G8Z67duavqMYxEsQa0Twdod1hQAebwPaimymMZrPpm0u3Qijp3qHKRZpL7HNZMS26u"
    "LNpisHBRs/YhcIRjtGzyiw8Ri9Bbwt5Fg/EMd+mN9gUsQWbCr9FXc5GJtO65+l95mkCaiw"
    "2xOYlgs3mHTSYiOTFrPjZNn3Xhal94Lye0HahN+ACa83KTc+MHV0ZqvRmSh6ohKZiTA6Kt"
    "PoqAx/lOBmTrnle84JYq1d593xDbay6Yw8j3gqAYUYoOMJ6vEEG1kT5BkUfVGzybM4HT9b"
    "NX6mo5Z1sd6QSMVZ4DYXBCjOYoe6PC6RON3LZL8G0gBS4CLi2gh4aMLXIOQhC2DWltmscb"
    "6qEBNf+DOJB2xIGRd3icekcFFS7CYf/7fztzO8Q54IPgyBzOCm4F6cMw2fbU6hwwkFByLb"
    "tj+Ak+dvZeKtfN4zGj6MAhvBO5mdC23ioFVycKValjk8GnoeoszAjuHT8mhIeIgUWjPsgJ"
    "9+Bs88buJxnp7N5eFGWYLLJeBmuqDTbxubflucK1ruhe1VrmgNp0QlQQr8RvJ7yO/mnVzL"
    "w/zNrEJvgthDgl+dLEHwq5NSgkVVzggnJpR9UqA4jdkHx6eGlwRFjPEuKOWRpzH155Knlr"
    "6Rj23eE3oomn2K1W8rzr4JXTjCNma4KPe2XC15nFbNxlVDMZ+NzChQy3ubwBLfNA3K6WQs"
    "UNvSxvHR4VH9vJ9dfe5d9MGn6/6785vzUAdxEFNWiqIkE/q6373IZ54Ll0DlxR8D6ltaW8"
    "gRcGtbQ3vbBoyNnVultTWUr5FhMh5Hie27yPAUQZsVxLHKOU4QdbJ8u6sEUzhGipe0xIga"
    "CRaN7irFOhT7FAFwnUBa74ZPQ84T7JAWdm3jOqBgtNLRqzxWa7rJmg73S+aVXLpgpRD6cp"
    "z8UmTylWW1E4tZpE7safSs8V1rRTVnkVrNjVZzNCdHSl5TFrWHuxdbiaxHE0ON6yxKc13O"
    "daNyV/p34oKR0gSWoLq9OIvFQLGk6tXnU3kiBlmAf4ZhHoq8ipyRVMbJgeAbDG1s0kNZMm"
    "yDIUVfhmCEgkch8C/xPQfazyjg7x8smnu+8Obz7bdeeMBn/sxOOxWBCDPx5PRROPoT7oMv"
    "ewQorTkjBiumnDQtafpJDwXt/pKrL51bV9EqZ1Z1ostWr0MXY3me3/KN6EheZ/yvkfFfHH"
    "jfUtS9cYN6w1EM5VT+dXL4G0rm95NO/t5GiEmTu+TYe1ag0iwfC9FNWOXYkdYt9V3k3WFh"
    "TPJXHELLG9ZVD1DM5o6MwuXyqVMUGBFSH29v2tyrsjmb5lw0dy3fEfcilUTPX1nzqq24cD"
    "mU3wvbt+594uLfXSone69+d6lusvVFy09Cu849qZdvCzGIC8Z4hXsdI7SDreZgN8Q/+TWI"
    "cF+NxxQVbhpkBdpV/kkYLTdIIrvQRflA7nmVB2AUaweYRu6FsCFHkKI3MmrPTX4PIwp8V8"
    "Txh1FAfgigV+C5bPC5ix2aUlcjbFslvJqC6GOcqsc4I+WpOXhplI6yrJwpSqfYdVfK28gi"
    "tZfXOC+vIYvVNfoXmVzpn+CDTWD2VVsiUrlgeaGw4aakl7i3IRQPgmIjj9wiua5wpUvoIR"
    "hiaygWHAgsPEGUiWsj5WUJ8ge0kYnwnfhBbkq4hIdcxGuE9IgSb1T00971NLnOb6GphfHy"
    "xG/4skp9P4L+ebLm7xTrQOg+LZEZ1RIXmyphixigw0S7ECb63glPmUt5L8uB3kOJl5WA8j"
    "/F9RD+RNf+0N4LIz8x7Zz13vll9/qPYt57BZGi3h+Dfnfu0P9/CxaNyuyBEKEd29UdW9+V"
    "1ixS3DjO4rQCdjF/Y4BsNEPMe2gVOJtJZbvKzWQZsaV+qOAO2r78sQHCvwgsNsFB5OzRw5"
    "kFKApcipcF+dArPWFxTnPwlLS3l8luzmc16/zi78Pu1V7juopW8BqTObhshnGC2Atbt4Yc"
    "Y/nqnKe44lqlGFHnnUpPM1Y3cacSg2qXvEXyeo9ZJ3HrJO6mkPn9OAFdxFfQaavAAwhrKs"
    "1/mMgssv3LVbBGEkKR+fW9JDuvOeHLTdvSqz3KDbHyuz32wRLbyrl1MakUGA7F95Ddrdi5"
    "IhoQniVZ1hJLQeq/0nXHrbEnXcwe/w+XBuKU"
)
