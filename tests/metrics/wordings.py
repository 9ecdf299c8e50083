"""Messages in the style of AWS's: the wordings of `tests/data/wordings.toml`, filled at random."""

from __future__ import annotations

import base64
import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

WORDINGS = tomllib.loads(
    Path(__file__).parents[1].joinpath("data", "wordings.toml").read_text(encoding="utf-8")
)
FILLINGS = 20

LISTS = {
    "words": """orders customers sales finance inventory weather claims trades analytics marketing
        events clicks users shipments invoices prices quotes returns stores regions ledger payroll
        audit billing staging landing curated archive telemetry sensors flights hotels patients
        vessels ports fuel grid loans cards ratings filings Reporting Core Gold Silver Legacy""",
    "people": """alice bob carol dave erin frank grace heidi ivan judy maria.lopez o.smith jdoe
        svc-etl ci""",
    "regions": """us-east-1 us-east-2 us-west-2 eu-central-1 eu-west-1 eu-north-1 ap-southeast-2
        ap-northeast-1 sa-east-1 ca-central-1 us-gov-west-1 cn-north-1""",
}
WORDS, PEOPLE, REGIONS = (text.split() for text in LISTS.values())
UPPER, LOWER, DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789"
BASE64 = UPPER + LOWER + DIGITS + "+/"
FORMS = ["{}", "raw_{}", "{}_daily", "{}_v2", "stg_{}", "{}2025", "dim_{}", "{}_{}"]
NAMES = ["{}", "{}-prod", "{}-data", "dx-{}", "{}-2026", "{}-{}", "my-{}-eu"]


class Filler:
    """Fills wordings at random: each method of it is what a {name} stands for."""

    def __init__(self, seed):
        self.random = random = Random(seed)
        self.pick = random.choice

    def fill(self, wording):
        return re.sub(r"\{(\w+)\}", lambda match: getattr(self, match[1])(), wording)

    def chars(self, length, alphabet):
        return "".join(self.random.choices(alphabet, k=length))

    def between(self, low, high):
        return self.random.randint(low, high)

    def time(self):
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.between(0, 30_000_000))

    def word(self):
        return self.pick(WORDS)

    def name(self, forms):
        return self.pick(forms).replace("{}", self.word(), 1).replace("{}", self.word())

    def table(self):
        return self.name(FORMS).lower()

    database = schema = table

    def column(self):
        return self.pick(["id", "amount", "{}_id", "{}_at", "{}"]).replace(
            "{}", self.word().lower()
        )

    def share(self):
        return self.pick([self.table(), f"{self.table()}_share"])

    def cluster(self):
        return self.name(NAMES).lower()

    bucket = crawler = cluster

    def role(self):
        word = self.word()
        return self.pick(
            [
                f"{word}-role",
                word.title() + "Reader",
                "AWSServiceRoleForDataExchange",
                f"dx_{word}",
                word,
                f"{word}-{self.between(1, 9)}",
            ]
        )

    def person(self):
        return self.pick(PEOPLE)

    def email(self):
        return f"{self.person()}@{self.word().lower()}.{self.pick(['com', 'example.org', 'co.uk'])}"

    def title(self):
        return self.pick(
            [f"{self.word()} of {self.word()}", self.word(), f"Daily {self.word()} 2026"]
        )

    def file(self):
        stem = self.pick(
            [
                self.table(),
                f"{self.word()} {self.word()}",
                "größe",
                f"{self.word()} (1)",
                f"{self.word()}-{self.between(1, 99)}",
            ]
        )
        return f"{stem}.{self.pick(['csv', 'parquet', 'json.gz', 'zip', 'xlsx'])}"

    def key(self):
        stem = f"{self.table()}.{self.pick(['csv', 'parquet', 'json.gz'])}"
        folder = self.pick(
            [
                "",
                f"{self.word()}/",
                f"{self.word()}/dt={self.time():%Y-%m-%d}/",
                f"{self.word()}/{self.between(2020, 2026)}/{self.between(1, 12):02}/",
                "données/",
            ]
        )
        return folder + stem

    def skey(self):
        """Return a key that may have spaces and letters of other alphabets."""
        stem = self.pick(
            [
                f"{self.word()} {self.word()}",
                f"Übersicht {self.word()}",
                "日本 データ",
                f"{self.word()} {self.between(1, 9)}",
                self.table(),
                self.table(),
            ]
        )
        folder = self.pick(["", f"{self.word()}/", f"my {self.word()}/", f"{self.time():%Y/%m}/"])
        return f"{folder}{stem}.{self.pick(['csv', 'parquet', 'json.gz', 'xlsx'])}"

    def plain(self):
        return self.pick(WORDS).lower()

    def cap(self):
        return self.pick(
            [f"{self.word().title()}{self.word().title()}", self.word().title(), self.word()]
        )

    def env(self):
        return self.pick(["prod", "dev", "staging", "test", "public", "analytics", "v2"])

    def exception(self):
        return self.pick(["KeyError", "ValueError", "Py4JJavaError", "TypeError"])

    def sqltype(self):
        return self.pick(["integer", "numeric", "date", "boolean"])

    def path(self):
        return "/" + self.pick(["{}", "{}/{{id}}", "v1/{}", "{}/{}", "v2/{}/{{id}}/{}"]).replace(
            "{}", self.word().lower(), 1
        ).replace("{}", self.word().lower()).replace("{{", "{").replace("}}", "}")

    def partition(self):
        return f"[{self.between(2020, 2026)}, {self.between(1, 12)}]"

    def region(self):
        return self.pick(REGIONS)

    def account(self):
        return self.chars(12, DIGITS)

    def s3id(self):
        return self.chars(16, UPPER + DIGITS)

    def ext(self):
        return self.pick([self.chars(75, BASE64) + "=", self.chars(76, BASE64)])

    def b64(self):
        return base64.b64encode(self.random.randbytes(16)).decode()

    def uuid(self):
        digits = self.hex()
        return "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])

    def hex(self):
        return self.random.randbytes(16).hex()

    def etag(self):
        return self.pick([self.hex(), f"{self.hex()}-{self.between(2, 99)}"])

    def apiid(self):
        return self.chars(10, LOWER + DIGITS)

    def akid(self):
        return "AKIA" + self.chars(16, UPPER + "234567")

    def jr(self):
        return "jr_" + self.hex() + self.hex()

    def prod(self):
        return "prod-" + self.chars(13, LOWER + DIGITS)

    def subnet(self):
        return "subnet-" + self.hex()[:17]

    def version_id(self):
        return self.chars(32, UPPER + LOWER + DIGITS + "._")

    def arn(self, service, resource):
        return f"arn:aws:{service}:{resource}"

    def kms(self):
        return self.arn("kms", f"{self.region()}:{self.account()}:key/{self.uuid()}")

    def role_arn(self):
        return self.arn("iam", f":{self.account()}:role/{self.role()}")

    def user_arn(self):
        return self.arn("iam", f":{self.account()}:user/{self.person()}")

    def assumed(self):
        return self.arn("sts", f":{self.account()}:assumed-role/{self.role()}/{self.person()}")

    def s3_arn(self):
        return self.arn("s3", f"::{self.bucket()}/{self.key()}")

    def s3url(self):
        return f"s3://{self.bucket()}/{self.key()}"

    def alias(self):
        return "alias/" + self.name(NAMES)

    def service(self):
        return self.pick(["dataexchange", "glue", "redshift", "lakeformation"]) + ".amazonaws.com"

    def host(self):
        return self.pick(
            [
                f"{self.cluster()}.{self.chars(12, LOWER)}7.{self.region()}.redshift.amazonaws.com",
                f"{self.bucket()}.s3.{self.region()}.amazonaws.com",
                f"s3.{self.region()}.amazonaws.com",
                f"ip-10-0-{self.between(0, 255)}-{self.between(0, 255)}.ec2.internal",
            ]
        )

    def url(self):
        return (
            f"https://{self.host()}/{self.pick(['', self.key(), 'v1/jobs', 'prod/' + self.word()])}"
        )

    def ip(self):
        return self.pick(
            [".".join(str(self.between(1, 254)) for _ in range(4)), "2001:db8::" + self.hex()[:4]]
        )

    def port(self):
        return self.pick(["5439", "443", "8080", "5432"])

    def n(self):
        return self.pick(
            [
                str(self.between(1, 999)),
                f"{self.between(1000, 10**7):,}",
                str(10 ** self.between(1, 6)),
            ]
        )

    def bytes(self):
        return str(self.between(10**8, 10**13))

    def exit(self):
        return self.pick(["1", "2", "10", "137", "143"])

    def size(self):
        number = self.pick(
            [str(self.between(1, 900)), f"{self.between(1, 99)}.{self.between(1, 9)}"]
        )
        return (
            number + self.pick([" ", " ", ""]) + self.pick(["KB", "MB", "GB", "GiB", "TB", "bytes"])
        )

    def duration(self):
        return self.pick(
            [
                f"{self.between(2, 90)} {self.pick(['seconds', 'minutes', 'hours', 'ms', 's'])}",
                f"{self.between(1, 30)}{self.pick(['s', 'ms', 'h'])}",
                "1 hour",
                f"{self.between(1, 9)}.{self.between(0, 99)} seconds",
            ]
        )

    def percent(self):
        return f"{self.between(80, 99)}{self.pick(['%', '.5%', ' %'])}"

    def iso(self):
        return f"{self.time():%Y-%m-%dT%H:%M:%S}" + self.pick(["Z", ".123Z", "+00:00"])

    def compact(self):
        return f"{self.time():%Y%m%dT%H%M%SZ}"

    def date(self):
        return f"{self.time():%Y-%m-%d}"

    def rfc(self):
        return f"{self.time():%a, %d %b %Y %H:%M:%S} GMT"

    def semver(self):
        return f"1.{self.between(20, 44)}.{self.between(0, 200)}"

    def stage(self):
        return self.pick(["prod", "dev", "test", "v1", "staging", "beta", "$default", "qa2"])

    def method(self):
        return self.pick(["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"])

    def type(self):
        return self.pick(["string", "bigint", "decimal(10,2)", "timestamp", "struct<a:int>", "int"])

    def param(self):
        return self.pick(["AssetId", "RevisionId", "Name", "Comment", "Tags.key"])


def messages(batch, seed=1):
    """Return the number of each message's wording, and the messages."""
    filler = Filler(seed)
    pairs = [
        (number, filler.fill(wording))
        for number, wording in enumerate(WORDINGS[batch])
        for _ in range(FILLINGS)
    ]
    filler.random.shuffle(pairs)
    return [number for number, _ in pairs], [text for _, text in pairs]


def measures(wordings, fingerprints):
    """Return how many causes there are, their purity, and how many wordings are alone in just one.

    Purity is the share of messages that are of the wording most frequent in their cause.
    """
    counts = {}
    for wording, fingerprint in zip(wordings, fingerprints, strict=True):
        of_cause = counts.setdefault(fingerprint, {})
        of_cause[wording] = of_cause.get(wording, 0) + 1
    purity = sum(max(of_cause.values()) for of_cause in counts.values()) / len(wordings)
    causes_of = {}
    for fingerprint, of_cause in counts.items():
        for wording in of_cause:
            causes_of.setdefault(wording, []).append(fingerprint)
    alone = sum(len(causes) == 1 and len(counts[causes[0]]) == 1 for causes in causes_of.values())
    return len(counts), purity, alone
