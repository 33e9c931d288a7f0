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
    "eJztXVtz2zYW/isYvcTZUdXUua7T6Y6duI07jt2xne19SEiEJNQUwQCgFbWb/74ASIqkRFKELhTF"
    "4KWNiHNI+Du4nCvwT2dCHOSy3qkL6aRzAv7peHCCxD+yDV3Qgb6fPJYPOOy7ihLOSfqMUzjg4uEQ"
    "ugyJRw5iA4p9joknSW/JBPEx9kaAjyEHHkIO6wJC1b+Q0wUQ+Igy4r0GxEOA+MgDlEzlQ8BIQAcI"
    "QM8B99hzeuCCM0ADFzEAKQLYA4wTir5W3bEYhxyxnj/ryZ45ZCC6Jr67r0784f3h2X8JZg+69gmY"
    "jglDAHmczgCFmCEHYA5cyLjqbuDhjwGyOBmJjiIqOv37n+Kx+CD6hJj8+U9niJHrqH93wk5JRtmn"
    "jiRFn3yKGBOws5g7FmyAnU9W2D/5pylRznzV1FGcQobyB/j53fnNORi4SPxljiWQurgFVx8uLzuf"
    "uyDz/fAvEBSSH6/sQPL9kLGwB53Pks2/t9S3MqMTKy713Ip5z/DowuPfK1op8741IG4w8RJ6f8bH"
    "xJszYE/1eIQ8RIWg5Bc4DeSw9QLXjYZ3PJJDmSQkoTBSPA4awsCVg19yhx1InnUs6+r6zro9v7Os"
    "ztLEiDlSwzR6NBAACjhEV5kCYCS78NW/j4+fPn15/OTpi1fPn718+fzVk1eCVvV3uenl57AzCVrh"
    "qxRmFz9cXN3JDhExc8P5LB98VjyQQyuRc4J+MuCyEngzhjQf/4RjQQbij1uUQYx4mRDiB4kUkhWn"
    "DjFM4CfLRd6Ij8XP4+fPSyD+7+nNm3enN0eC6nEW6Kuo6Ths+6zmVYyxmsoaCMf0LcT3mydPKuAr"
    "qArxVW1ZfBl6QBTzmdYoTvG0EOenxxVgfnpciLJsyoI8EVsAHOWsFHdikc/HOMXSCohLIL07/0Ut"
    "vRPGPrppKI/en/6iUJ7MopbL66sfYvIU9G8ur88WIM9sxlnQ3wrUOJ6gfOAzjAvQOxFnL/5HywRx"
    "8f789u70/U8Zabw9vTuXLccZScRPj14szIP5S8DPF3fvgPwJfru+OldwEsZHVH0xobv7TWpSHRhw"
    "YnlkakEnjUn8OH6UEXKilOlKOcu5BTFH2o+R8g6kTAIvR8CFSu6cfrWeu635+s1u9dzjb569fPbq"
    "6Ytnc/V2/qRMq4012ARKaVqtMVtSbGaqNHmqUMSFbb3evpdlNXJuspzh4F40ucgZrSXrHHYj74OR"
    "d1/LWMthXcugaJh0a3A9DMhkgvI0j2KrLcXSBpDrNtrYGLkPa61oWU6zmDV5MYtlpbeOZbnaMLtq"
    "WMJi0IRBhN1159Sc2Uyr5k8riyLIiKezaS0xtmFy1b11RUHNZdw/fLh4m497imUB8SDATk8ytgr3"
    "0G8eTpH04Fd/6GcV5BzepwJt8kFfqK9TSB1rqYUckyLa5abJ8WTxCfTgSMEj/w7Z6zjSHziYd/JS"
    "AFRDtzQFYE6yMgXgZxlzjyPsKuwuflAyonAiw+dxyyMGZDe6wMGOJBLgI+c1EF1AnvMV8dycwP72"
    "Xi3D9aeCY8DBGDLAp0RmADBAhoCPEWCCHdii1T4R/2P3yLFBHw2JzADgADPgEE+8X2YJjMlUPhNv"
    "Rk4PXHsITLEY8oHoqCefCjGQPnFmwMViywGcAI5ctygL4PeOxFYOgoALlRt1/izLC4i3pooheSlD"
    "K+YxAflDCshHo6LqAhyRb7D4HlBwZ8Xqm97L4sGvoyzGPCZi1mgl0Rd/6QD7eYpKsYKYYTLR6DW0"
    "Q7HS4DylvMxtF3O0AvAaMlk4pEJD0BnXCUcrMK57UMfKl8aoTrG0AvJdJw7pG/PGit9oSFM8wlrr"
    "dMJhBnSlAT0hXCsRLuEwA3qNNDgk/mzGrTy7tAzzNJfBXR93RCmhOpDPGQza+miHTqdluH+8vb7K"
    "hzvhWDRY8YCD/wEXsyrJYoeDu4SiHPdFiLtZ61O+YMmsGXKUM8qLYZ8zGNT1UG+Ic/wNmYg250Z5"
    "F5Y85KnWbpmbfBDSVXOUn4KIXPmRp2MUepcZFz/ZifJD257Nx9IpjTkDUbHZkld8g/do1qE56AEP"
    "ULR5wsEA+VyzLCzqqRW+qcQPvVCBttHHYuZtub2L/a65asVGbtfVvu/Ot8PAUz4VoL4k//Psu079"
    "S8JKP2yxezszsKqCnWEyru6FHUz9X0NNi+lbYezV7gWlI6alLUT0GykLBwT6TnQ04/Hfy1jHDpr4"
    "hOfmj54R4iLoFW2OacYF7PuCs13gn11fX2bAP7tYRPfD+7Pzm6NvlCQEEeaZaHAmyBJInU0T8DSb"
    "gbs63A6Cjos97Uhxms9EixsdLV6wJ/RKTDKsRtCNFrQydpdFXJKNHTO0QjnYddRDobVOVUOKz8yg"
    "Rs+gnKBhYdJfXrhwh8XJu0/721p9MvLJYJyjv5VkUM5Z1gK0Ya7kOtMoTZbB3oKygafpxEs4TKXA"
    "QtYXxdDVRDPNY/BsWnDpVio95RGmOUm3QpjJmuuqq4NNsjBBkcsoEIwjRo8YcPEQrSi70OTNLWuI"
    "uxyOTa+8riHj2VcqoEa0J1QtVwaYTKFDIwsdsuOk6rqX5TKxoMVYkFHht6DCmyDl1gem8c7s1Dtj"
    "yp1a65URr5LYLAm3OOaccJgUtfWDzib9tU5/gjrciVoMfdTTybN8xn+2rv/MeC3rQr0hnoq3odmc"
    "46B4Ozeoi/0SidFdJfs1pAaQAR8R30WAopHYgxBVlyWEpyvM81Ulmfwh3kmoukhBkPuEckWclxS7"
    "zder2x0eEJXOBxuoY1gZmMrTKKJ3D8bQE4CCI5lte34HR49fq8Rb9b5HLHoZAy6CDyo7F7rEQ+vk"
    "4CqxrHCHqBsgIstDPrOwZwWs2BsS3QQBnQn2wLffgUdUqHgCp0dLebhxlmC1BNxMF0z6bWPTb/Nz"
    "RYutsFblitZwWJkCSAPfmL6F+G7fyHUofsir1SmGN+FoIcAvnlUA+MWzQoBl04ISTgZQ95CHNE8b"
    "DJ86TjREnIsuaOWRp3nqzyVPbX39ALuiJ6wnP7uP3W8nxv4A+rCPXcxxXu5tsVgW+Yxoti4ahsVs"
    "5FaOWL53CSw6DzLFtCCToeTalTSePuk9qR/3t9cfzi7PwU83528ubi8iGcydmKpRPkoyoW/OTy8X"
    "M8+lSaCz8M8Z6ttaO8iT7M6uhvauFRgXe/dae2tEXyPCZDiME9sPEeExgi7P8WMVY5xw1Iny/aEC"
    "zOAQad60NueoEWD50UOF2Lhi9+EANwmk9QZ8GlJPcEBSOLTAdQhBf63Sq0VeI+kmSzqKlywLuXDD"
    "SnGYG+4Wt6KB2FnWq1jMcprEnkbPmsB31hRzltOIudFijuek3lVBWa4WRi924lmPJ4Ye1lkug3Ux"
    "1o3KXTl/kAeMFCawhM3d1VksFppTrsxluSUTxMcCecBlTshYVcQgB6jbSsLXqdtKOEllnBxJvIHt"
    "4gHrqSd2F9gMfZQ3jYSvQiC6SOcRA2L9wfJzj5dTXWr/em6Bz3LNTjflgYgy8dT00Sj9ieLgVUuA"
    "0pKz5syaKSdNS5rea1HQ4W+55tC5TQWtU7NqEl12ehOEHMvL+BYHomN6k/G/QcZ/vuN9R173xg3q"
    "LXsxtFP5N8nhbyiYX046+fcuQvxtwGedHIU8aSxVx4eSzHJiumr3DxIPgbGY2KESLFUv4BDETgBD"
    "9AFl9WKKBoQ6PWBLBlve7ic0ZYeoJHHxzHUQtcEEzoRmLB5L5Tgv4by+z65OGC/UbWMUK2dKBtuM"
    "0e63vH0nWZLF2qWUqg7UMX0booa7zkgNZ4ceujGHwXc1vhEaucGbsr06y1fflr2r5Lr95Bww7A20"
    "PRBzJuP3b5wToknKmPJ/FpxBlCWooJRtwUWKvfDC5cAXGhKWnj2x2CJU3ctZ9gLN0jq965RTEJhL"
    "lRu8sBaraE3z9JpldmvhVU8sWcuiLbn9IqJvhSOy7qS9e+xpXcIX0xuw1wDb3HqxF9hNInC9eDuI"
    "Q5wzxktiHXMOE+04yCv4lPnxTrrBimyTd5GPbJVdEvvSqpxCoty1U8zHAALFHV+TR6ZeF8AJERYH"
    "E1o+hW4P2EMkzGzHPpFHeNwL5YNJaiKNC/Ya2In/Q1CMyVQ0cuRJ2jFk4C+ChcGSd1TJXvqwgRt5"
    "v+dFfFFuZOzJexzz/EElx6CkeEyKwoH7Nnecnl6zb1OYcNKnorN4pFhaobnu2nkvD5paxrdwXMfk"
    "bQqwby9bAefeulZyIAfOv29tT0c+yO+15siHUO/JWbXL7sBLmGq8AW/+5GCvwBuRvOvvSpGOWQzO"
    "OlcNyg+uVwuZ4TSVkE32Rsey0itAyXK1wYlUQ61PYdFpMc7FVadtUDC3fxJF6ENYY8nKMJoAWqOX"
    "rDGClPcR5GvIeZHXiLpxom6Iy/fHsMLsejhkKNftmyXolrl+o2o1iyS0K92/78hUNFEA41o3mYYb"
    "ZZRIl1wfMnSiPLHIEwMCMRD4Mk3XjgvibABpTrLKFt+7gZs2+raO6zDFYo5R1j1GORaenmMxzdUm"
    "J0zdWZNj7PtrqSVZTrNZmc0qf7O6QX+hgRD6T3DmEphdagtISjcsGhFbfoq6QsQyIg/zIPuU3CO1"
    "rwihK9YesLGj6kkgcPAIMRVNVJcVTKG8iWCA8ANyuoARQUGRLxQ1Rd1nhPbzA5R1fFIzWTO33rxa"
    "5uYi8Fu+LNLcT7DtjdVUam+/UtvkvrZpi8yIlvh4sCzb4ky1OUMr3F+tzwz80gFPqUuLVpYH6azA"
    "ykqYFgNUsyhk2x7Yz6KI6hx2gfrZxdXpza/5uJ/lRGDPfr07P10Kh/+dFxUsq96POIxhu75hG/hK"
    "m80NfZdBn+EzAtASQGNMTo48idI7QvHfCqwcm3OBpltudEbU1jhFvrp8T4jFReABugFS+aZQHmkg"
    "HZd9NCQUAZvCqTWkZKI8l0B8V3zICS/B87ALpAqqrtzzCJggIeaBPIhM/BbcALpu9Lqcur86v7z6"
    "ZLPwDUtnmJkKv0ZW+BnDceuGYzQBlvAsjq8nHK1Qd2s45ite0XQN9DSfMdIbZ6Q3Tam4CdTfXaxR"
    "KIKK6gSNaSsFXV1Z0hLt6XLXvkc+78oIqQNnDBxdEQ+dqA1aVr087gE7XETsE7H9+5BzRL2wYMb+"
    "l602d/s/9mtgR0u3HBs2QBOfzwSDN8sP0O6hD7n6RbI+pliNhnEYGobZDms49TI1LTSAXmBrIdrb"
    "z+2TGoRc/pZxLrlWMc205rWKDUtULYF1G7cqUuK6gb8G0Fk+g3UFrM19Gq3Vp80dD/Xl2DfFdlEr"
    "4CXk+YZL0lputYTrqBsTrjRZbqIq+/gAVzAQH1bKvzAXoAfGJKBhcgxmQL4dOTKjE7oUQUfo/9Io"
    "B7ZLprbK8hzj0dgWBkVUebBYqC9zZjhxczJx9tiPXNOFie+FiTMZp5nshjFgDsOASURYddFMOFq4"
    "YG5fpTY+6K37oNX6oqnNxTxGj2u0HueGJ4/qSDZiMYJttGClrqE9ZyMeI9pGi7aw5rZMi2vjXa9f"
    "UGKKsqBueakhFjZ3K1hijFc2xZLSOvWSjKFzovI54ryQiXgnxdDFDDn267AcYUAmqcwRPhazQF4N"
    "EF2/4TrgiHHR9LU0DXv+LOe2vT18f4MSwP1r9w06rW1bun3JidKxQHV3ugyjOcyjybtdelrrinmR"
    "10i6aZJuyP56h1wkA8W5F2cljaV7K8+QrdxYr70oy1IdJyp+RMmSR3GVH+tNHMBQWEv2PGdrXOsN"
    "lVMuuwXXylb2Mzat5Mlc7LrRimyyPjcVtMn6bFSai1o6lyEuyQeYc6yZCdA0kHecCsDhSOswz5je"
    "nCdvbs9tyHm05vbcL8jJdipsxcG4k2MBRC2l6j9MaFbp/sUi2MD1lKd+fSkx/Q0nfLFqa463rOMQ"
    "UTmpNBCOyFuI7k70XOkNiO6NrKqJpVjqP1j9wLWxvW5mn/8P5iEeQw=="
)
