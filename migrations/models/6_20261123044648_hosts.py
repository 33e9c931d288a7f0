"""Several hosts over one database, and who has which duty (store/hosts.py)."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "fleet_duty" (
    "duty" VARCHAR(64) NOT NULL PRIMARY KEY,
    "host" VARCHAR(64),
    "holder" VARCHAR(64),
    "generation" BIGINT NOT NULL,
    "since" TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE "fleet_duty" IS 'What one host at a time does: serve a device, or record. `host` is to do it, `holder` may be doing it.';
        CREATE TABLE IF NOT EXISTS "fleet_host" (
    "name" VARCHAR(64) NOT NULL PRIMARY KEY,
    "instance" UUID NOT NULL,
    "generation" BIGINT NOT NULL,
    "address" VARCHAR(64) NOT NULL,
    "port" INT NOT NULL,
    "sites" JSONB NOT NULL,
    "fenced" BOOL NOT NULL,
    "gone" BOOL NOT NULL,
    "drained_at" TIMESTAMPTZ,
    "drained_by" VARCHAR(255),
    "version" VARCHAR(32) NOT NULL,
    "joined_at" TIMESTAMPTZ NOT NULL,
    "heartbeat_at" TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE "fleet_host" IS 'A host with a fleet of its own, among several. `fenced`: it knows of others; `generation`: how often it has joined.';"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TABLE IF EXISTS "fleet_host";
        DROP TABLE IF EXISTS "fleet_duty";"""


MODELS_STATE = (
    "eJztXelz2zYW/1cw+hJnR/UmtnOs0+mOHbu1O47dsZ3tuUNCJCShpgCGgOy43fzvC4CkeI"
    "ikCB0UzeBLG5HvEfDv4Xgn8HdvQl3ksd0jDwaT3iH4u0fgBIl/ZF/0QQ/6fvJYPuBw4ClK"
    "OCMZMB5Ah4uHQ+gxJB65iDkB9jmmRJLe0AniY0xGgI8hBwQhl/UBDdS/kNsHEPgoYJS8A5"
    "QgQH1EQEAf5EPA6DRwEIDEBXeYuLvAduiUcPsQjAUFHXJBizl4gAwEEDPk7so+udQRnRIt"
    "bqf5KcGfpsjidCQaRoHoxO//FY/FB9BnxOTPv3tDjDxX/bsXNiIZZRs9SYo++wFiTADIYu"
    "5YRFPsfrYU+pbsqhLKo69e9RSnkIb8AX4+O70+BY6HYIBcS/zl5zfg8uPFRe9LH2TaD3su"
    "KCQ/XtiBpP2QsbQHvS+Szb+zVFuZcYYVl3puxbzHeHRO+PeKVspwYDnUm05IQu8/8jElMw"
    "ZMVI9HiKAAciRb4MFUDkAy9bxooMZjMpRJQhIKI8XjoiGcenIYS+6wA8mznmVdXt1aN6e3"
    "ltWbG+IxR2rYRY8cAaCAQ3SVKQBGsgvf/Gtvb3//zd6L/ddvXx28efPq7Yu3glb1d/7Vmy"
    "9hZxK0wk8pzM5/OL+8lR2iYg6GM1M++KJ4IIdWIucE/WTAZSXwfgyDYvwTjpwMxB+Xl0GM"
    "eJUQ4geJFJK1owkxTOBny0NkxMfi596rVxUQ/+fo+v3Z0fWOoHqeBfoyerUXvvui5lWMsZ"
    "rKGgjH9B3E9+WLFzXwFVSl+Kp3WXwZukcB5o9aozjF00Gc9/dqwLy/V4qyfJUFeSK2ADgq"
    "WCluxSJfjHGKpRMQV0B6e/qLWnonjH3y0lDufDj6RaE8eYzeXFxd/hCTp6B/f3F1nIM8sx"
    "lnQT8RqHE8QcXAZxhz0LsR5278j44J4vzD6c3t0YefMtI4Obo9lW/2MpKIn+68zs2D2UfA"
    "z+e3Z0D+BL9dXZ4qOCnjo0C1mNDd/iY1qR6ccmoR+mBBN41J/Dh+lBFyopTpSjnLuQYxR9"
    "qPkfIGpCxNhXkBlyq5M/rFeu665uvLzeq5ey8P3hy83X99MFNvZ0+qtNpQg5XGw/AupcDK"
    "BwPo3D3AwLXm3tA9WkY7/2qyN8k/gURsW270F8nORbbwezoR79xrJeQ5Szn1tl9lLjshXT"
    "2D+QhE5MrwfBAmJJJWJuPiJxNTdoyATWw+FgaoeM7kC47YvOW7wnc0TVgX3WMHWaGZBh0H"
    "+VzToox6aoVfqrApc8brSo3FzOsyYT9+PD/RMGCnwpbflTzLTO/Fdmzv2+GUOHJQAdWS/M"
    "/Bd73mV+5Q8QyX4vQiq/70alM1M7Dqgp1hWifm7d0cF0KcQKr+r6HRx/RGnV9CnYfBiM2D"
    "/ePN1WUx2DF9XrPDDgf/Ax5mG1MFtgO6RKIa9Dy+uQEuP5AH3Re9cbAPPZ1hnmEyY32JsY"
    "5dNPEpR0VK7zGlwnIhZZtjmjGH/UBwdgv846uriwz4x+d5dD9+OD693nmpJCGIMM94dlPL"
    "i8OnUmfTBDzNZuCuD7eLoOthUrB9VlvtaT7jmmm10Z6zJ3SknGM1gm61oJWxqxU9iBk6oR"
    "xsOnSg0FpiEqX5zAxq9QwiGr5N0qxfc/Mh/JVcm2kUkU+dcYH+VpENMWNZCtCWefybTIlI"
    "hdkQZLRgAJfbhwnHUut/y1BvPKw5JZpOvIRjBQ/e00Fdw4En2oCeJpppHoNn24JLN1LpqY"
    "4wzUj6NcJM1kxXXRxsuiIoDPzIKBCMI0bPGPDwEL0Doi1E3G8o8R7nA0yavAVBpd9nXQ7H"
    "Jun9t3acSamAGtGeULVcGGAySYutTFrMjpO6616Wy8SC8rEgo8KvQYU3Qcq1D0zjndmody"
    "b2nuh4ZmIe45VptVdGfEpiMyfc8phzwrFS1Pnp2AYbCTqjIKCBjkNhxmD8Cfr+BA+5IxRY"
    "DH3S08mzfMZ/tqz/zHgtm0K9JZ6Kk9BsLnBQnMwM6nK/RGJ018l+DakBZMBH1PcQCNBI7E"
    "EoQC7AvK+yWWf5qpJM/hDfpAHwIOOC3KcBV8RFSbHr/Pwf5A9i36NAOh9soDK4GXiQdabR"
    "t50xJAJQsCOzbU9v4ej5O5V4q773jEUfY8BD8F5l50KPErRMDq4SS53i0cjykM8sTKwpK/"
    "eGREWk0J1gAr79DjwLhIoncHo2l4cbZwnWS8DNdMGk37Y2/bY4V7TcCutUrmgDVaIKIA18"
    "Y/oO4rt+I9cNsFiZdeBNODoI8OuDGgC/PigFWL7KKeHUgapPGhCnebpg+DSwSDDEueiCVh"
    "55mqf5XPLU1jeYYk/0hO3KZrex+23E2HegDwfYwxwX5d6WiyXPZ0SzdtEwLGYjtwrE8r1H"
    "YYltmmbKyWQouTYljf0Xuy+ax/3k6uPxxSn46fr0/fnNeSSDmRNTvZSPkkzo69Oji3zmuT"
    "QJdBb+GUNzW2sPEcnubmpob1qB8TC509pbI/oGEabDYZzY/hQRHiPo8QI/VjnGCUeTKN89"
    "VYAZHCLNQ1pmHA0CLBt9qhAbV+w2HOAmgbTZgE9L6gmekBSeWuA6hGCwVOlVntdIus2Sju"
    "Il80Iu3bBSHOZwnPxW5IidZbmKxSynSexp9ayZ+u6SYs5yGjG3WszxnBxoWU1Zrg5GLzbi"
    "WY8nhh7WWS6DdTnWrcpdOb2XB4yUJrCEr/uLs1gsNKPUPfp8rCpikAvEv2GUh6KOIuc0lX"
    "GyI/EGtocdtque2H1gM/TJBgMUfgqBP+k0INB7xoBYf7Bs7vnCk88333phgc98zU4/5YGI"
    "MvHU9NEo/Yni4HVLgNKSs2bMmiknbUua3mpR0NPfcs2hc6sKWqdm1SS6bPQ4dDmW5/EtD0"
    "TH9Cbjf4WM/2LH+4a87q0b1Gv2Ymin8q+Sw99SML+edPLvPYT4yZQ/9goU8uRlpTo+lGSW"
    "G9MtVMZ/lkqwvOJnLCZ2qARL1Qu4FLFDwFBwj7J6cYAcGshLfySDDTCTmrJLVZK4eOa5KL"
    "DBBD4KzVg8lspxUcJ5c80uThgv1W1jFGtnSk7XGaPdbnn7RrIky7VLKVUdqGP6LkQNN52R"
    "Gs4OPXRjDoPvYnwjNAqDN1V7dZavuS17U8l128k5YJgUXdu1IAAeMxm/f+ucEG1SxpT/s+"
    "QMoixBDaVsDS5STJSrkU19oSFh6dkTiy1C9b2cVR/QLK2Lp0e94rYUBFbMuY7yNnPW0HoX"
    "1nIVrW2eXrPMri28SsSSNS/aitsvIvpOOCKbTtorvgSzHOxOXYLZNNjm1outwG4SgZvF20"
    "Uc4oIxXhHrmHGYaIdetKNN9smZdIOV2SZnkY9skV0S+9LqnEKi3LUPmI8BBIo7viaPPpA+"
    "gBMqLA51ozD0doE9RMLMdu1DeYTHnVA+mKSm0rhg74Cd+D/yV8ePIQN/UkyKbq7fUh9WcC"
    "Nv97yIr8qNjIm8x7HIH1RxDEqKx6QoPHHf5obT0xv2bQoTTvpUdBaPFEsnNNdNO+/lQVPz"
    "+JaO65i8SwH29WUr4MJb1yoO5MDF961t6cgH2V5njnwI9Z6CVbvqDryEqcEb8GZPnuwVeC"
    "NadP1dJdIxi8FZ56pB2eBytZAZTlMJ2WZvdCwrvQKULFcXnEgN1PqUFp2W41xeddoFBXP9"
    "J1GEPoQllqwMowmgtXrJGiMY8AGCfAk553mNqFsn6pa4fH8MK8yuhkOGCt2+WYJ+les3ql"
    "azaEK70P17Rh/EqwDAuNZNpuFGGSXSJTeADB0qTywiYkAgBqa+TNO144I4G8CgIFlljd9d"
    "wU0bta3jOkyxmGOUdY9RjoWn51hMc3XJCdN01uQY+/5SakmW02xWZrMq3qyu0Z/IEUL/CT"
    "56FGaX2hKSyg0riIgtP0VdI2IZkYd5kIOA3iG1rwihK9ZdYGNX1ZNA4OIRYiqaqC4reIDy"
    "JgIH4Xvk9gGjgiJAvlDUFPWA0WBQHKBsoknNZM3CevN6mZt54Nd8WaS5n2DdG6up1F5/pb"
    "bJfe3SFpkRLfWxMy/b8ky1GUMn3F+dzwz82gFPqUt5K4vA4LHEykqY8gGqxyhk2x3Yj6OI"
    "6gx2gfrx+eXR9a/FuB8XRGCPf709PZoLh/9VFBWsqt6POIxhu7xhO/WVNlsY+q6CPsNnBK"
    "AlgNaYnBwRidIZDfBfCqwCmzNH0682OiNqa5wiX1y+J8TiIXAPvSlS+aZQHmkgHZcDNKQB"
    "AnYAH6xhQCfKcwlEu6IhN7wEj2APSBVUXblHKJggIWZHHkQmfgtuAD0v+lxB3V+TLS8+2S"
    "z8wtwZZqbCr5UVfsZwXLvhGE2AOTzL4+sJRyfU3QaO+YpXNF0DPc1njPTWGeltUyqup+rv"
    "LtcoFEFNdSKIaWsFXT1Z0hLt6XLXvkM+78sIqQsfGdi5pAQdqg1aVr083wV2uIjYh2L79y"
    "HnKCBhwYz9D1tt7va/7XfAjpZuOTZsgCY+fxQM5LE4QLuFPhTqF8n6mGI1GsbT0DDMdtjA"
    "qZepaaEBdI6tg2ivP7dPahBy+ZvHueJaxTTTktcqtixRtQLWddyqGFDPm/pLAJ3lM1jXwN"
    "rcp9FZfdrc8dBcjn1bbBe1Al5AXmy4JG+rrZZwHfViwoUmy3VUZR8f4Aoc0bBS/oW5AAkY"
    "02kQJsdgBuTXkSszOqEXIOgK/V8a5cD26IOtsjzHeDS2hUERVR7kC/VlzgynXkEmzhb7UW"
    "i6MNFemDiTcZrJbhgD5mkYMIkI6y6aCUcHF8z1q9TGB712H7RaXzS1uZjH6HGt1uO88ORR"
    "HclGLEawrRas1DW052zEY0TbatGW1txWaXFdvOv1K0pMURbUDa80xMLX/RqWGOO1TbGktE"
    "59JGPoHKp8jjgvZCK+GWDoYYZc+11YjuDQSSpzhI/FLJBXA0TXb3gu2GFcvPqnNA13/ceC"
    "2/a20P4KJYDb1+5bdFrbunT7ihOlY4Hq7nQZRnOYR5t3u/S01hVzntdIum2Sbsn+eos8JA"
    "PFhRdnJS8r91aeIVu4sV6RKMtSHScqfkTJkjtxlR/bnbiAobCW7FXB1rjUF2qnXPZLrpWt"
    "7WdsW8mTudh1pRXZZH2uKmiT9dmqNBe1dM5DXJEPMONYMhOgbSBvOBWAw5HWYZ4xvTlP3t"
    "ye25LzaM3tuV+Rk+1I2IrOuFdgAURvKtV/mNAs0v3LRbCC66lI/fpaYvorTvhy1dYcb9nE"
    "IaJyUmkgHJF3EN2N6LnSGxDdG1lXE0uxNH+w+hPXxra6mX35P+H1YlM="
)
