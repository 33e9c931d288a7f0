"""Who may sign in: accounts, their sessions and refresh tokens, and API keys (store/accounts.py, sign_ins.py, api_keys.py)."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "account" (
    "id" UUID NOT NULL PRIMARY KEY,
    "email" VARCHAR(180) NOT NULL UNIQUE,
    "role" VARCHAR(32) NOT NULL,
    "generation" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "created_by" VARCHAR(255) NOT NULL,
    "changed_at" TIMESTAMPTZ NOT NULL,
    "disabled_at" TIMESTAMPTZ,
    "password_hash" TEXT,
    "password_at" TIMESTAMPTZ,
    "code_hash" VARCHAR(64),
    "code_expires_at" TIMESTAMPTZ,
    "signed_in_at" TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS "idx_account_changed" ON "account" ("changed_at");
COMMENT ON TABLE "account" IS 'Somebody who may sign in; never deleted, so that a name in the audit is always the same person''s.';
        CREATE TABLE IF NOT EXISTS "api_key" (
    "id" UUID NOT NULL PRIMARY KEY,
    "account_id" UUID NOT NULL,
    "name" VARCHAR(64) NOT NULL,
    "secret_hash" VARCHAR(64) NOT NULL,
    "scopes" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "revoked_at" TIMESTAMPTZ,
    "last_used_at" TIMESTAMPTZ,
    "last_used_from" TEXT
);
CREATE INDEX IF NOT EXISTS "idx_api_key_account" ON "api_key" ("account_id", "created_at");
CREATE INDEX IF NOT EXISTS "idx_api_key_revoked" ON "api_key" ("revoked_at");
COMMENT ON TABLE "api_key" IS 'A program''s way in, by the SHA-256 of its secret.';
        CREATE TABLE IF NOT EXISTS "refresh_token" (
    "hash" VARCHAR(64) NOT NULL PRIMARY KEY,
    "session_id" UUID NOT NULL,
    "issued_at" TIMESTAMPTZ NOT NULL,
    "used_at" TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS "idx_refresh_token_session" ON "refresh_token" ("session_id");
COMMENT ON TABLE "refresh_token" IS 'A refresh token by the SHA-256 of it; a used one is kept as long as its session, to be known again.';
        CREATE TABLE IF NOT EXISTS "session" (
    "id" UUID NOT NULL PRIMARY KEY,
    "account_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "used_at" TIMESTAMPTZ NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "ended_at" TIMESTAMPTZ,
    "end_reason" VARCHAR(32),
    "remote" TEXT,
    "agent" TEXT
);
CREATE INDEX IF NOT EXISTS "idx_session_account" ON "session" ("account_id", "created_at");
CREATE INDEX IF NOT EXISTS "idx_session_ended" ON "session" ("ended_at");
COMMENT ON TABLE "session" IS 'A sign-in, which lasts until it is ended or expires.';"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TABLE IF EXISTS "session";
        DROP TABLE IF EXISTS "refresh_token";
        DROP TABLE IF EXISTS "api_key";
        DROP TABLE IF EXISTS "account";"""


MODELS_STATE = (
    "eJztXWt327iZ/is4+hJnj+ImzrVOT/fYiad2NxPPsZ2dttseCiIhCWOKYAjQijqb/14AvF"
    "9FyBRFMfgyExF4SPp5CeDFe8PvoyWxkE2Pz0yT+A67IavRKfh95MAl4v8oaR2DEXTdpE1c"
    "YHBqy+4w6Cc7TSnzoMn45Rm0KeKXLERND7sME0d0viVLNCXWGqwWBCzhGlA8dwB23gMHPS"
    "AP8LsjhqwxoASwBWQAAvFavAf/iQD0LcwApgDaK7im8hoV7S7yKHGe0GPxGhYx+XtgZ97Z"
    "E30Hf/WRwcgc8Q4ef+7//Ytfxo6FviEqfv4+mmFkW/LfI3MBnTmyDMhGohv65nqIUk4RjZ"
    "CRLLD1zQgJNkKUJH/tyuaRRHPO5Y/vAuneG/JJGZFiiZLXjQj75cvVx59kT0HZ1DCJ7S+d"
    "pLe7ZgvixN19H1vHAiPa5shBHuS0pSTt+LYdfhPRpYAWfoF5Por5sJILFppB3xbfy+hPM9"
    "8xxWcC5JPEf179OXy1VDfD+Hx9Z9xe3BnGqPB5iVfIyT+8ZHJuOU3YYYLi378H900IkVdH"
    "4gEfLs9ujl6+eSopIJTNPdko6Rp9l0DIoJFIM2EZLSG2i0R/WECvnOgYkOOav+puWI4I2g"
    "GloyX8ZtjImbMF//ni3fMajv/37EbSzHtJngmfNILJ5HPYdBK0Cb4Tfj3COynQG/Vvh93o"
    "QkJvMsd1zu/Lkwb0vjypZFc0ZckN6RBvVaD4HM+vHFZOchaXoxoH68IuqH6xK57n4g2e/f"
    "Hk5OXLtyfPX7559/rV27ev3z1/x/vK1y02va0RxvnVX64+32XlIC5k2Tc9JPgRK0KB/Y+8"
    "heElKuc/i8zxb4XQ4+gfB/jh13B7d/Xzxe3d2c+/iNsvKf1qS77O7i5Ey4m8us5dPXqTGx"
    "TxTcCvV3eXQPwE/7j+fJFfAOJ+d/8YiXeCPiOGQ1YGtNKcRJejS6Vinq5V5rEsaoCz2cnr"
    "1w2mM96rcj6TbbkhlShZqkMqg9RDqtdDysJUsLyNnHPQFgQdKlxazu3L2YWUrohnGQtIF0"
    "VJ3/FtULmUC8CtJtADkuzF3+4yQo1myaOfz/72NCPYT9ef/xJ1T82qHz5dn+cm05hE9VGW"
    "g+pR1udRZhILVYywGv0kDRrC6MpqJ29eNVBO3ryq1E1E0/ciy+ibi7nkttFPinA9qvo8qo"
    "TJkasZ2NlC2HmslnTfJC2srrP7lEVQXJhC834F+apXaCEnpKpvsWl5ssxfgQ6cSyEJNsV7"
    "RvZ6G3rLUZkhXzaMa234cZdGFny24PIMrOUOQhYdA+LJfwk7OgxN4+8BcRAgLnKAR1biIq"
    "DE90wEoGOBe/6xHYMrRoHn24gC6EmTO2XEQ3+Qr2NQxj9heuyuy436Xb/EP51/OpPfONiB"
    "9uRUuBMoAshh3hrwb5kiC2AGbEjZNh6B4KUEULzTJq+AL90C8v3En1bpEQC/Xl7cXAA+Dv"
    "hfJhQwcHULPn/59Gkkp6fU84O/IJxi8MYXSJ4fANvySdQZGku9EiUGxnB266+hvEMDY7Wv"
    "Ivngmmp5CUJboJpZoORQVmA46j9Afl88b+QPel7jD3pe8AdR4cDFTMmWmsYMkOf2/UJLvg"
    "RwhUPF4pKCDILiro0tmcVYZa+QAWq7de92ChkbQKyUKW//M0i9H+y1lKPQqKyAK5XcuP9g"
    "HOknL169ffXu5ZtXsXobX6nTaosucrG12mK0pGB6qPR5qHiI8b31duteFqrl3Gc5Q/OeN9"
    "nI2s45XwLX8j4YeasFvpRAh+de2k3wC1kuUZnmUb1rS0GGQHLXmza6QPbDVjNaFqknsz5P"
    "ZpGs1OaxLGoIo6uDKSwijW+IyqLqm42pGKyHVf+HleEhSMviz6sXrQJwCIOr66UrdGoWea"
    "9OEUpBHpEndDi8b8gK6ksIgIv/B62r8vnixnFtKICLjXskF6rNwQBnwPXI3IPLJxSs4Bpg"
    "Zwyma5kkd3t59uzk9RtAZgAzCigy+S696Mnf6g6KzvUogS7wIKcSJpp4uQM6jFSWY4WjO+"
    "9RRw/kXvkxIarmMTrHb685ftlvqSnbWVSbrB/slJlegOT/FfTpqP8gvIu7DjYN5k3loN4c"
    "TFPdhGqTiHsUWP7r7fXnCpZjRH6Dgk0G/h/YmO7M8bOfaUFwUa/B5pXV3PwhbpDXYHX65D"
    "aiOLht4vYh861Hy2sx79ITGKvOimLOIrXNp89Slo55f7tApzxWS/owJD3zyFLFvFdEavte"
    "M/teXyxSonzSqMwaJRvGtZaouMtGO9SvQeGmIOdDJoLAyK4kEjpgXK1J1nYaAwtbohMXE7"
    "LeA/4KyLGeEccuSTVp79YigeSMI7hiz3dVgK2IyEmhwr4VV5Wa8NbJKf8f5cvYBEzRjIic"
    "FFmByiIOv7/IW1mQlbjG74ysY3DtILDCfFj4/EUdcZWLgciaVzZ+QBZgBDBk21WmM2Egkz"
    "zzG5iES+lfdca0aDptmCQiZGhEGJ0ickgpIuFX0dzGVbYUa+NW9PGr6DcRRm9Ueq3YuPwv"
    "NbFb5jqrqUeRBg3CrNa1vxKa5WXK6gLJKgqUHSbhHeRWMehxDUHlu04Qg+C46486Ur4Uvu"
    "oUZBCU7zqVTT28RMeVPOqT9vAcK83TCUJ/0I0+6CVhSqmZCUJ/0FskZiL+Z9Ny538d52mU"
    "5l2dd+R5xFOhPAZottXZDoxORbqrvdgJ4lFe7MPhfSdObDhjqOQrr6Y9BmjW1VjviXH8A1"
    "nyNqsiXjPVOq4zk5tBv2aG8jMQdpd25NUCBdZlyvhPeirt0BNnwhZx0GVQ/qhgFX/EfRSD"
    "Ny30gE0ULp7QNJHLFAsVhW9qBHeqsUPnIjgf9bAI3JbZW0dyth3JmfmwmpKdAWlTd6M4zm"
    "o1bVBxnJ1bQb25Uqhh1F8HGj5CR9MW/71869hCS5ew0ozmc0JsBJ2qxTENzHE/5chhkX9+"
    "ff0pQ/75VZ7dLz+fX9wcvZCS4J0wy3iDM04WX+hsioSnYZru5nRbCFo2dpQ9xWmc9hb32l"
    "uc20+oSDkH1YLutaDlZrco4ppcmwgwCOVg114PydY2dTZSOD2Cej2CSpyGlUF/HZ87t/uw"
    "v9Yq5iGXmCU5f3URlDFkK0J7Zkrez1F+OsqgY6es7yga8RKErl2Ri/ryMLQV2UxjNJ99cy"
    "7dCqWn3sMUdxk3cDMZsa662dkkEhNkd+EFgpHH6AkFNp6hDWkXitjStIbolYNv06nPa8hY"
    "9qUKqODtCVTLjQ4mnejQy0SH7HfSdN7LorQvKO8L0ip8Cyq8dlK2/mFq68xOrTM63WmwVh"
    "l+K8FNQbjVPucEoUPUtnc66/DXLu0Jsty4Z1D0VU0nz+K0/Wxb+5m2WnbFek8sFR+DbXOJ"
    "geJjvKGutkskm+4m0a9BbwApcBFxbQQ8NOdrEPLk8Z1BdYU4XlV0Ez/4PYknj/bk3V3iMd"
    "m5LCi2zdvL80YfkCeMDxMg60dSsBLVKMJ7mwvocELBkYi2vbiD86fvZeCtvN8TGt6MAhvB"
    "BxmdC23ioG1icKVYNphD5Jmk4c5DXBMnFvu02hoSnk0KrSV2wJ/+DJ54XMXjPD0pxOFGUY"
    "LNAnAzr6DDb3sbfqtrfu62fL4kSIHfqP8A+W1/k2t5+KEsV6ea3gQxQILbr6RqExOqFnlI"
    "Y4aw8enijA3EGH8FtZK1KUz3seSppW/qY5u/CT0Wj93H6rebUrbQhVNsY4bVKgnncVo0rY"
    "uGYj4amVEilp9sAqtOKEmBcjKZCdSupPHy+fHz7nn/eP3l/NMF+OXm4sPV7VUog9iIKRvF"
    "pSQS+ubi7FM+8lxsCVQm/hjQ3dI6Qo6AW7v6tHetwNjYuVdaW8P+HTJMZrMosP0QGV4gaD"
    "OlivsJokuW7w+VYApniKkdwxYjOiRYPPRQKdam2H0YwHUAabcOn57kExyQFA7NcR1QMN0q"
    "9SqP1ZLus6RDf0lRyJULVgrRXQTai90uWK2Fn+lzdX6IUeO71pZiziK1mHst5mhMqh1enU"
    "UN0HuxE8t6NDDUuM6iNNfVXPcqduXiQRQYqQxgCZrHm6NYDBT33BjLckuWiC0484CJmJCF"
    "zIhBFpCnlQS3k6eVMJKKODkSfIOJjU16LK9MxmBC0Vdx0khwKwTCo52fUMDnHywe97QY6t"
    "L500sTfIo5O+OUBSKMxJPDRyH1J/SDN00BSkvOiMGKISd9C5rea1LQ4S+5uujcYwWtkrOq"
    "A112ehKE+JaL/FY7oqP+OuL/ERH/5Yb3HVnde/dRt2zFUA7lf0wMf0/J/HHCyX+yEWIffb"
    "YelSjkSWOtOj4T3Qwr6tfs/EHiILDgAztQgoXqBSyC6CmgyHtAWb3YQybxrGMwEYCJON2P"
    "a8oWkUHi/JptIW8ClnDNNWN+WSjHZQHn3T12c8B4pW4bsdg4UtJv00e73/T2nURJVmuXQq"
    "oqVEf9h+A13HVEajA61NiNEJrfzfyGbJQ6b+rW6iyuuyV7V8F1+4k5oNgxlS0QMUjb/Xtn"
    "hOiTMibtnxU1iLIdGihlLZhIsRMcuOy7XEPCwrLHJ1uEmls5626gmFqndpxyigJ9qHKPJ9"
    "ZqFa1vll49zbbmXnX4lFUUbc3pF2H/QRgiuw7au8eO0iF8UX9N9hZk61Mv9kK7DgTulm8L"
    "MYhLvvEaX0eM0N6OgzyCT24/LoUZrGpvchnayDbtSyJbWpMqJNJcu8JsASCQ6OiYPLJyxg"
    "AuCd9xUK7le9A+BpMZ4ttsa3IqSnjcc+WDit5EbC7oezBJ7B+8x4KseCNDjui7gBT8RjDf"
    "sJSVKtnLOzzCjLzfehE/lBkZO+IcxzJ7UE0ZlBRGhygcuG1zx+HpHds2+RZO2FRUJo8UZB"
    "Ca666N96LQVJHfyu866j4kB3t70Qq49NS1moIcuPy8tT2VfBDPG0zJh0DvKZm1687AS0Ad"
    "noAXXznYI/DmpOz4u1qmI4jmWeWoQfHA7XIhM0idCdlna3QkK7UElCxqCEakDnJ9KpNOq3"
    "muzjodgoLZfiWKwIawxZSVAWoHWq+nrAWCHpsiyLaQcx6rRd07UffE5PvXIMPsejajqNTs"
    "m+0wrjP9htlqBkn6bjT/XpIVb/IAjHLdRBhuGFEiTHJTSNGptMQih38QiALfFWG6kyghbg"
    "KgVxKs0uJ9H2GmDZ+tYjpMQXQZZdUyypHw1AyLadSQjDBdR00usOtupZZkkXqx0otV+WJ1"
    "g2b8D1nckXvkVERQ5rvULlhe0JlP7bx3U3dlCAISBKZruaTcXp49O3n9JvAavuerjk+RJZ"
    "NR+LJzj1wmjjewhRcxPOaABnGNY7HmTJH0IjoAzvkXU+ae7OSZirGa4d2MZrGaGaqNECuF"
    "oRiwuYBUrY5k2F97PpU9nykJKygwWZT2fuZWSUypv9UimQHqNbJ3a2Sm3g3drn4U1ebk3s"
    "q3NzrQb8jkMv8Frm0Cs2tjRZcNOlDQ2XBTvRuoQWH3IBdk6vFlXSolXOgSegwm2JI5tRBY"
    "eI6ojKiSBzatoDiNyUT4AVljQAnv4SEX8RbRe0qJNy0P0urikYpKUGnNnaYaUZb4lg/M1m"
    "c0tW1c0NVq2q9Wo/N/hrREZkRLXGwWZVsdrR8DBuECHHx2xI9OeEpdyluaHeitKyzNCSgf"
    "pLMOw9aGQ/t5GFUW085ZP7/6fHbz93Lez0ui0M7/fndxVggJ/HdZZFRdBaMQoY372xv3fV"
    "dqs6Xhf3XUZ3BaAEoC6M2WkyFHsHRJPPxvSVbJnjPXZ1y/6Qx7G4tU980lDLhYbAQeoO0j"
    "mXMDRVkn4bydohnxEJh4cGXMPLKU3lvAn8sfZAUHATvYBkIFlccOOwQsERezKYqx8t8cDa"
    "Bth7crqX3Q5ZM3V3cN7lCo46qrHPSyyoHeOLa+cQwHQIHPaj9QghiEuttBqdNoRlPdoKdx"
    "epPeu01635SKG1/+3dUahezQUJ3wor6NAs+kczxc08WqLZzmYxElZsE1BUefiYNO5QItMn"
    "+fHoNJMIlMTvny70LGkOcEScOT/5rIxX3y35P3YBJO3eLbmAC0dNmaA5x1eZDaHt6hVL9I"
    "5scUVGsYh6Fh6OWwg8rfqWGhQHQONkC2289vEBqEmP6KPNccLZ0GbXm09OF4zNs4Wdojtu"
    "27WxCdxWmuG3CtzxQbrD6tz7nqLs+wL3sXPB+V7Vj45fp9Sthh4+YkOClLJqzw2RbRsdTs"
    "hS2RE4w8m5j3wvLIVgjJlJYl3xeESZQTYBKfSyEIfHERcW0EzAV0+F8CjsQtLu7gvOQQq4"
    "6e+YhsGh3m0kWYiy4ttcvs6GA7oFTRJAXpR00T8djB1DRJJjcVmWRR/RDLoErN6KOrR/ro"
    "ar3/0EdXazEXxayPrtZHVw+F675s6aVR8xNk5b7IpHVcu8EPTKN21HHjRv8mLB4cnUsHTP"
    "5g6c/j23DogAXxvSDfBVOxLbf5htp3AbT5WLbW/LYeWYKJTVYTWbxigeeLSWpfnqs/LNJg"
    "GLFLkmv2+B6l3kjKnxfkwmTiYMRraJ/kYfgkExE2nTQTxAAnzPa9ZDqsrPWwMjm/KGrOEU"
    "brzL3Wme2gGIiKZEOIFmyvBSt0DeUxG2K0aHst2kojYJ0WN0Q74A+UayJ3ULesdiMWNI8b"
    "7MQoa7wVSyoGyptkNjqnMkUjSvVY8nt6GNqYImvyPnB6mmSZSgZhC1HsiO9wwlPFbQscUc"
    "ab/iC2hsfuusT/uofnP8IXu3/tvkeewrZ0+5qDMiOBqq50GaAuKtPn1S49rFXFnMdqSfdN"
    "0j1ZX2+DijQV1RNTrbWra6p+X5NaQRTPnWfYGfOlCpsLYEPKKPAdhm1hDcSiBq8lShd6AH"
    "1zsVeWgLntTRTr+UBTRjKF9pGU71OANhT0iQrfhfeQhJUX8hGjPvVQ+eKKD5GYmkfoIKq9"
    "BlFlv6OmbGdR2jqngxh+lNWxd8UTtYB3J+Bwfd5CxlmkFnO/xRypNapCTuH0PqbnEjaqCo"
    "9VG4KyqOGdqrWDfEi0JKzE2FZX3C1CDIHfujGzi9pufOvslExb1XTHAM12M7Z7Yg25QzYS"
    "mfDrUYkxJGkc19lCWKbbRmvItROWkZJnxvMfYTWoo6iMMT1eWoCiYAP8usRRsNUdGteUGi"
    "cVVpFLTOkmpehr86irvtV03auf4PBXe13W6rGC1mWtelXHQ06dRYprCh7EiC1LHfSN5B3X"
    "OmBwrpRLF/V/VBbd4ehQO0mXi5fqhslycf8hVWRtLVtO6DsFLmur3AaAIZH544QcnSG+gi"
    "5GJTuAsKVW/YdJn026f7UIWi6K8KNkODxywFertvoM8y5S68SgUmA47D5Adnei5wprQKkZ"
    "q1oTS0G6L2lw4NrYXhez7/8BtDcOPA=="
)
