"""What a folder is for: SPECIAL-USE (RFC 6154), else the names that servers and clients give such folders.

The table holds what Outlook, Exchange, Apple Mail, Thunderbird, Gmail, Courier, Cyrus and the large hosters create, in
the languages of their users; a name counts only at the top of the account's own folders.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from schemas.mail import SysLabel


class Role(StrEnum):
    """The use of a folder; ALL, FLAGGED and IMPORTANT are views of other folders' messages."""

    INBOX = "inbox"
    SENT = "sent"
    DRAFTS = "drafts"
    TRASH = "trash"
    JUNK = "junk"
    ARCHIVE = "archive"
    ALL = "all"
    FLAGGED = "flagged"
    IMPORTANT = "important"


#: The contract's label of a folder, and of the messages in it.
LABELS: Mapping[Role, SysLabel] = {
    Role.INBOX: SysLabel.INBOX,
    Role.SENT: SysLabel.SENT,
    Role.DRAFTS: SysLabel.DRAFT,
    Role.TRASH: SysLabel.TRASH,
    Role.JUNK: SysLabel.JUNK,
}

#: Folders that show messages lying elsewhere too.
VIEWS = frozenset({Role.ALL, Role.FLAGGED, Role.IMPORTANT})

_ATTRIBUTES = {
    "sent": Role.SENT,
    "drafts": Role.DRAFTS,
    "trash": Role.TRASH,
    "junk": Role.JUNK,
    "archive": Role.ARCHIVE,
    "all": Role.ALL,
    "allmail": Role.ALL,  # XLIST, Gmail
    "spam": Role.JUNK,  # XLIST
    "flagged": Role.FLAGGED,
    "starred": Role.FLAGGED,  # XLIST
    "important": Role.IMPORTANT,
}

_NAMES: Mapping[Role, str] = {
    Role.SENT: "Sent|Sent Items|Sent Messages|Sent Mail|Outbox.Sent|Gesendet|Gesendete Objekte"
    "|Gesendete Elemente|Gesendete Nachrichten|Envoyés|Éléments envoyés|Messages envoyés"
    "|Courrier envoyé|Objets envoyés|Enviados|Elementos enviados|Mensajes enviados"
    "|Correo enviado|Itens enviados|Mensagens enviadas|E-mails enviados|Enviadas|Inviata"
    "|Posta inviata|Inviati|Elementi inviati|Verzonden|Verzonden items|Verzonden berichten"
    "|Verzonden objecten|Skickat|Skickade|Skickade objekt|Skickade meddelanden|Sendt"
    "|Sendte elementer|Sendt post|Lähetetyt|Lähetetyt kohteet|Wysłane|Elementy wysłane|Odeslané"
    "|Odeslaná pošta|Odoslané|Elküldött|Elküldött elemek|Trimise|Elemente trimise|Изпратени"
    "|Отправленные|Отправлено|Надіслані|Απεσταλμένα|Gönderilmiş Öğeler|Gönderilenler"
    "|Gönderilmiş Postalar|הודעות שנשלחו|פריטים שנשלחו|العناصر المرسلة|المرسلة|ส่งแล้ว"
    "|รายการที่ถูกส่ง|Đã gửi|Terkirim|已发送|已发送邮件|已傳送|寄件備份|寄件備份匣|送信済み|送信済みメール|送信済みアイテム"
    "|送信済みトレイ"
    "|보낸편지함|보낸 편지함|보낸메일함",
    Role.DRAFTS: "Drafts|Draft|Entwürfe|Brouillons|Borradores|Rascunhos|Bozze|Concepten|Utkast|Kladder"
    "|Luonnokset|Szkice|Kopie robocze|Wersje robocze|Robocze|Koncepty|Rozepsané|Piszkozatok"
    "|Ciorne|Schițe|Чернови|Черновики|Чернетки|Πρόχειρα|Taslaklar|טיוטות|مسودات|المسودات"
    "|แบบร่าง|ร่างจดหมาย|Thư nháp|Bản nháp|Draf|草稿|草稿箱|草稿夾|下書き|임시보관함|임시 보관함",
    Role.TRASH: "Trash|Deleted Items|Deleted Messages|Deleted|Bin|Papierkorb|Gelöscht|Gelöschte Objekte"
    "|Gelöschte Elemente|Corbeille|Éléments supprimés|Messages supprimés|Papelera"
    "|Elementos eliminados|Mensajes eliminados|Eliminados|Lixeira|Itens excluídos"
    "|Mensagens excluídas|Lixo|Itens eliminados|Cestino|Posta eliminata|Elementi eliminati"
    "|Prullenbak|Verwijderde items|Verwijderde objecten|Papperskorgen|Papperskorg|Borttaget"
    "|Papirkurv|Slettet post|Slettede elementer|Søppel|Roskakori|Poistetut|Kosz"
    "|Elementy usunięte|Usunięte|Koš|Odstraněná pošta|Kôš|Kuka|Lomtár|Törölt elemek"
    "|Coș de gunoi|Gunoi|Elemente șterse|Кошче|Корзина|Удаленные|Удалённые|Кошик|Видалені"
    "|Κάδος απορριμμάτων|Διαγραμμένα|Çöp|Çöp Kutusu|Silinmiş Öğeler|אשפה|פריטים שנמחקו"
    "|سلة المهملات|العناصر المحذوفة|ถังขยะ|Thùng rác|Sampah|已删除|已删除邮件|垃圾箱|废件箱|垃圾桶|刪除的郵件|ゴミ箱"
    "|ごみ箱"
    "|削除済みアイテム|휴지통|지운 편지함",
    Role.JUNK: "Junk|Spam|Junk E-mail|Junk Email|Junk Mail|Bulk Mail|Bulk|Unerwünscht|Spamverdacht"
    "|Junk-E-Mail|Werbung|Unerwünschte Werbung|Courrier indésirable|Indésirables|Pourriel"
    "|Correo no deseado|No deseado|Lixo eletrônico|Lixo eletrónico|Lixo electrónico"
    "|Correio eletrônico não solicitado|Posta indesiderata|Indesiderata|Ongewenste e-mail"
    "|Ongewenste reclame|Skräppost|Skräp|Søppelpost|Uønsket e-mail|Uønsket post|Roskaposti"
    "|Wiadomości-śmieci|Niechciane|Nevyžádaná pošta|Nevyžiadaná pošta|Levélszemét"
    "|Mesaje nedorite|Спам|Нежелательная почта|Небажана пошта|Ανεπιθύμητα"
    "|Ανεπιθύμητη αλληλογραφία|İstenmeyen|Önemsiz|Önemsiz E-posta|דואר זבל|البريد العشوائي"
    "|البريد غير الهام|สแปม|จดหมายขยะ|Thư rác|垃圾邮件|垃圾郵件|迷惑メール|스팸함|스팸메일함|정크 메일",
    Role.ARCHIVE: "Archive|Archives|Archiv|Archivé|Archivo|Archivado|Arquivo|Arquivo Morto|Arquivados"
    "|Archivio|Archivia|Archief|Arkiv|Arkiverat|Arkisto|Archiwum|Archív|Archívum|Arhivă|Arhiva"
    "|Архив|Архів|Αρχειοθήκη|Αρχείο|Arşiv|ארכיון|الأرشيف|أرشيف|ที่เก็บถาวร|Lưu trữ|Arsip|归档|存档"
    "|封存|アーカイブ|보관함|보관|All Archives",
}

_BY_NAME = {name.casefold(): role for role, names in _NAMES.items() for name in names.split("|")}


def by_attribute(attributes: Iterable[str]) -> Role | None:
    """The role that a LIST response states; attributes are lower case and without backslash."""
    return next((_ATTRIBUTES[name] for name in attributes if name in _ATTRIBUTES), None)


def by_name(name: str) -> Role | None:
    """The role that a folder's own name (without its path) suggests."""
    return _BY_NAME.get(name.strip().casefold())


def rank(role: Role, name: str) -> int:
    """The place of a name among those of its role: the most usual ones first."""
    known = _NAMES[role].casefold().split("|")
    return known.index(name.strip().casefold())
