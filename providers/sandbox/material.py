"""What the people of the sandbox write to each other: the texts of `data.py`.

Times are hours before the account was linked. All addresses end in `.example` (RFC 2606).
"""

from dataclasses import dataclass, field

Person = tuple[str, str]  # display name, address

ZOE: Person = ("Zoë Müller", "zoe.mueller@nordlicht.example")
KENJI: Person = ("田中 健二", "k.tanaka@hoshi.example")
LAYLA: Person = ("ليلى حداد", "layla.haddad@cedar.example")
BOB: Person = ("Ortiz, Bob", "bob.ortiz@acme.example")
PRIYA: Person = ("Priya Nair", "priya.nair@acme.example")
MUM: Person = ("Mum", "margaret@family.example")
ME: Person = ("", "")  # the owner of the mailbox


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation; `files` are names of attachments, `inline` one of an image shown in the text."""

    writer: Person
    text: str
    files: tuple[str, ...] = ()
    inline: str | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages that answer each other, the first of them `age` hours ago, one every `pace` hours."""

    subject: str
    age: float
    pace: float
    people: tuple[Person, ...]
    turns: tuple[Turn, ...]
    folder: str = "Inbox"
    unread: int = 0  # the last so many are unread
    flagged: bool = False  # the last one
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bulletin:
    """A machine's message, sent `times` times, a week apart."""

    sender: Person
    subject: str
    html: str
    age: float
    times: int = 1
    folder: str = "Inbox"
    list_id: str | None = None
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)  # placeholder -> one text for each time


CONVERSATIONS = (
    Conversation(
        "Launch plan for Alpha",
        age=470,
        pace=7,
        people=(PRIYA, BOB),
        folder="Projects/Alpha",
        keywords=("alpha",),
        turns=(
            Turn(
                PRIYA,
                "Hi all,\n\nhere is the first draft of the launch plan. Please comment by Thursday.",
                ("plan.pdf",),
            ),
            Turn(BOB, "Looks good. Can we move the beta to the second week? The load tests need five days."),
            Turn(ME, "Second week works for me. I would rather cut the import feature than the load tests."),
            Turn(PRIYA, "Agreed. I moved the beta and marked the import as optional.", ("plan-v2.pdf", "budget.csv")),
            Turn(BOB, "Thanks, approved from my side."),
            Turn(ME, "Approved. Let's tell the customers on Monday."),
        ),
    ),
    Conversation(
        "Contract renewal 2026",
        age=300,
        pace=20,
        people=(BOB,),
        flagged=True,
        turns=(
            Turn(
                BOB,
                "Attached is the renewed contract. The only change is in section 4 (payment within 30 days).",
                ("contract.pdf",),
            ),
            Turn(ME, "Thank you, Bob. Our lawyers ask whether section 7 could name both offices."),
            Turn(BOB, "Of course. New version attached.", ("contract-final.pdf",)),
            Turn(ME, "Signed copy attached.", ("contract-signed.pdf",)),
        ),
    ),
    Conversation(
        "Angebot für die neuen Büromöbel",
        age=210,
        pace=9,
        people=(ZOE,),
        turns=(
            Turn(
                ZOE,
                "Guten Tag,\n\nanbei unser Angebot über zwölf höhenverstellbare Schreibtische.\n"
                "Die Lieferzeit beträgt drei Wochen.\n\nMit freundlichen Grüßen\nZoë Müller",
                ("Angebot Büromöbel.pdf",),
            ),
            Turn(ME, "Guten Tag Frau Müller,\n\nvielen Dank. Ist die Montage im Preis enthalten?"),
            Turn(ZOE, "Ja, die Montage ist enthalten. Für Rückfragen erreichen Sie mich unter der gewohnten Nummer."),
            Turn(ME, "Dann bestellen wir hiermit. Schöne Grüße!"),
        ),
    ),
    Conversation(
        "打ち合わせの日程について",
        age=120,
        pace=6,
        people=(KENJI,),
        unread=1,
        turns=(
            Turn(
                KENJI, "お世話になっております。\n来週の打ち合わせですが、水曜日の午後三時はいかがでしょうか。\n\n田中"
            ),
            Turn(ME, "田中様\n水曜日の午後三時で問題ありません。よろしくお願いいたします。"),
            Turn(KENJI, "ありがとうございます。会議室の地図を添付いたします。", ("地図.png",)),
        ),
    ),
    Conversation(
        "تأكيد موعد الاجتماع",
        age=96,
        pace=11,
        people=(LAYLA,),
        unread=1,
        turns=(
            Turn(LAYLA, "مرحبا،\n\nأؤكد موعد اجتماعنا يوم الأحد الساعة العاشرة صباحا.\n\nمع التحية\nليلى"),
            Turn(ME, "Thank you Layla, Sunday at ten is confirmed."),
            Turn(LAYLA, "ممتاز، إلى اللقاء."),
        ),
    ),
    Conversation(
        "Outage on Tuesday: what we learned",
        age=168,
        pace=4,
        people=(PRIYA, BOB, KENJI),
        turns=(
            Turn(
                PRIYA,
                "The database ran out of disk at 03:12. Alerts fired, but nobody was on call. Graph below.",
                inline="disk.png",
            ),
            Turn(KENJI, "The retention job had been off since the migration. I turned it on again."),
            Turn(ME, "Let's alert at 70 % instead of 95 %, and put the on-call list into the runbook."),
            Turn(BOB, "Done, the runbook is updated."),
        ),
    ),
    Conversation(
        "Sunday lunch",
        age=60,
        pace=5,
        people=(MUM,),
        keywords=("family",),
        unread=1,
        turns=(
            Turn(MUM, "Are you coming on Sunday? I am making the lemon cake.\n\nxx Mum"),
            Turn(ME, "Of course! Shall I bring anything?"),
            Turn(MUM, "Just yourself. And the photos from the lake!"),
            Turn(ME, "Here is one already 😀", inline="lake.png"),
            Turn(MUM, "Lovely ❤️"),
        ),
    ),
    Conversation(
        "Old supplier list",
        age=490,
        pace=3,
        people=(BOB,),
        folder="Archive",
        turns=(
            Turn(BOB, "For the record: the list of suppliers we used until last year.", ("suppliers.csv",)),
            Turn(ME, "Filed, thanks."),
        ),
    ),
    Conversation(
        "Re: flat viewing",
        age=26,
        pace=3,
        people=(("Anna Kowalska", "anna@homes.example"),),
        unread=1,
        flagged=True,
        turns=(
            Turn(
                ("Anna Kowalska", "anna@homes.example"), "The viewing is tomorrow at 17:30, second floor on the left."
            ),
        ),
    ),
)

_TEXT = '<p style="font-family:sans-serif">{body}</p>'
_FOOTER = '<p><a href="https://{host}/unsubscribe">Unsubscribe</a></p>'

BULLETINS = (
    Bulletin(
        ("The Weekly Byte", "news@weeklybyte.example"),
        "Weekly Byte: {topic}",
        '<h1>{topic}</h1><img src="cid:logo@sandbox" alt="logo">'
        + _TEXT
        + _FOOTER.replace("{host}", "weeklybyte.example"),
        age=500,
        times=3,
        list_id="weekly.weeklybyte.example",
        words={
            "topic": ("Faster queries", "Time zones are hard", "Small tools, well made"),
            "body": (
                "Five indexes that pay for themselves, and two that never do.",
                "Why a meeting at two in the morning may happen twice, or not at all.",
                "Readers show the one script they would not give away.",
            ),
        },
    ),
    Bulletin(
        ("Café Lumière", "hello@cafe-lumiere.example"),
        "À la carte : {topic}",
        "<h2>{topic}</h2>" + _TEXT + _FOOTER.replace("{host}", "cafe-lumiere.example"),
        age=440,
        times=3,
        list_id="carte.cafe-lumiere.example",
        words={
            "topic": ("semaine 1", "semaine 2", "semaine 3"),
            "body": ("Soupe à l'oignon, tarte aux pommes.", "Quiche, crème brûlée.", "Gratin, éclair au café."),
        },
    ),
    Bulletin(
        ("Parcel Post", "no-reply@parcels.example"),
        "Your parcel {topic}",
        _TEXT,
        age=410,
        times=3,
        words={
            "topic": ("has been sent", "is out for delivery", "was delivered"),
            "body": (
                "It left our depot at 06:40.",
                "The driver is near you.",
                "It was left with a neighbour (no. 12).",
            ),
        },
    ),
    Bulletin(
        ("Green Power", "billing@greenpower.example"),
        "Invoice {topic}",
        "<table><tr><td>Amount due</td><td>{body}</td></tr></table>",
        age=380,
        times=2,
        words={"topic": ("2026-0417", "2026-0533"), "body": ("EUR 64.20", "EUR 61.75")},
    ),
    Bulletin(
        ("Build", "ci@acme.example"),
        "[alpha] build {topic}",
        "<pre>{body}</pre>",
        age=400,
        times=3,
        folder="Projects/Alpha",
        words={
            "topic": ("failed", "passed", "passed"),
            "body": ("1 failed, 412 passed", "413 passed in 61 s", "417 passed in 59 s"),
        },
    ),
    Bulletin(
        ("Prize Office", "winner@lottery.example"),
        "You have won {topic}!!!",
        _TEXT,
        age=430,
        times=3,
        folder="Junk",
        words={
            "topic": ("1,000,000", "a new phone", "again"),
            "body": ("Reply with your bank details.", "Only the delivery fee is due.", "This time for real."),
        },
    ),
    Bulletin(
        ("Cinema Club", "programme@cinema.example"),
        "This week: {topic}",
        _TEXT,
        age=420,
        times=2,
        folder="Trash",
        words={
            "topic": ("silent films", "restored classics"),
            "body": ("Doors open at 19:30.", "Doors open at 20:00."),
        },
    ),
)

DRAFTS = (
    ("Holiday in June", "Dear Priya,\n\nI would like to take the first two weeks of June off", PRIYA),
    (
        "Question about invoice 2026-0533",
        "Hello,\n\nthe meter reading on the invoice does not match",
        ("Green Power", "billing@greenpower.example"),
    ),
)

INVITATION = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//Sandbox//EN\r
METHOD:REQUEST\r
BEGIN:VEVENT\r
UID:{uid}\r
DTSTAMP:{stamp}\r
DTSTART:{start}\r
DTEND:{end}\r
SUMMARY:Alpha retrospective\r
ORGANIZER;CN=Priya Nair:mailto:priya.nair@acme.example\r
ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{me}\r
END:VEVENT\r
END:VCALENDAR\r
"""

# Seen in the wild: no From, a date that is none, a charset that does not exist, a multipart whose boundary never comes.
MALFORMED = (
    b"Received: from unknown (HELO mail) by mx.example\r\n"
    b"Date: Someday, 99 Foo 2026 25:61:00 +9999\r\n"
    b"Subject: =?x-unknown?B?Q2Fm6Q==?= caf\xe9 =?utf-8?Q?broken\r\n"
    b"To: undisclosed recipients\r\n"
    b"this line is no header field\r\n"
    b'Content-Type: multipart/mixed; boundary="never"\r\n'
    b"\r\n"
    b"Plain words where a boundary should be.\r\n"
)
