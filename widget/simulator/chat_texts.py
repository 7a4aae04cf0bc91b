"""The texts of the chat page. It stands for another product, so its texts are not in our catalogs."""

from __future__ import annotations

RIGHT_TO_LEFT = frozenset({"ar", "he", "fa"})

_TEXTS = {
    "en": {
        "title": "Chat with us",
        "connecting": "Connecting…",
        "place": "You are number {position} in the queue.",
        "wait": "About {minutes} min to wait.",
        "soon": "Nearly there.",
        "joined": "{agent} has joined the chat.",
        "hello": "Hello, this is {agent}. What can I do for you?",
        "replies": "Thank you, I am looking into that.|Of course. Is there anything else I can do?|"
        "I understand. Let me note that down for you.|Good question! Yes, that works.",
        "typing": "{agent} is typing…",
        "message": "Your message",
        "send": "Send",
        "end": "End chat",
        "you": "You",
        "ended": "The chat has ended.",
        "no_survey": "The address of this page had no launch ticket, so there is no survey.",
        "refused": "No chat can start now ({reason}).",
        "invalid": "This entry point does not exist.",
        "close": "You may close this window.",
        "survey": "One moment: a few questions about this chat…",
        "failed": "The connection was lost. Trying again…",
        "no_script": "This chat needs JavaScript.",
    },
    "de": {
        "title": "Chatten Sie mit uns",
        "connecting": "Verbindung wird aufgebaut…",
        "place": "Sie sind Nummer {position} in der Warteschlange.",
        "wait": "Noch etwa {minutes} Min.",
        "soon": "Gleich sind Sie dran.",
        "joined": "{agent} ist dem Chat beigetreten.",
        "hello": "Guten Tag, mein Name ist {agent}. Was kann ich für Sie tun?",
        "replies": "Danke, ich sehe gleich nach.|Gern. Kann ich sonst noch etwas tun?|"
        "Verstehe, das notiere ich für Sie.|Gute Frage! Ja, das geht.",
        "typing": "{agent} schreibt…",
        "message": "Ihre Nachricht",
        "send": "Senden",
        "end": "Chat beenden",
        "you": "Sie",
        "ended": "Der Chat ist beendet.",
        "no_survey": "Die Adresse dieser Seite enthielt kein Ticket; deshalb folgt keine Umfrage.",
        "refused": "Zurzeit kann kein Chat beginnen ({reason}).",
        "invalid": "Diesen Einstiegspunkt gibt es nicht.",
        "close": "Sie können dieses Fenster schließen.",
        "survey": "Einen Moment: ein paar Fragen zu diesem Chat…",
        "failed": "Die Verbindung ist unterbrochen. Neuer Versuch…",
        "no_script": "Dieser Chat braucht JavaScript.",
    },
    "ar": {
        "title": "تحدّث معنا",
        "connecting": "جارٍ الاتصال…",
        "place": "أنت رقم {position} في قائمة الانتظار.",
        "wait": "مدة الانتظار نحو {minutes} دقيقة.",
        "soon": "سيحين دورك قريبًا.",
        "joined": "انضم {agent} إلى المحادثة.",
        "hello": "مرحبًا، معك {agent}. كيف يمكنني مساعدتك؟",
        "replies": "شكرًا لك، سأتحقق من ذلك.|بكل سرور. هل من شيء آخر؟|فهمت، سأدوّن ذلك.|سؤال جيد! نعم، هذا ممكن.",
        "typing": "{agent} يكتب…",
        "message": "رسالتك",
        "send": "إرسال",
        "end": "إنهاء المحادثة",
        "you": "أنت",
        "ended": "انتهت المحادثة.",
        "no_survey": "لا يحتوي عنوان هذه الصفحة على تذكرة، لذلك لا يوجد استبيان.",
        "refused": "لا يمكن بدء محادثة الآن ({reason}).",
        "invalid": "نقطة الدخول هذه غير موجودة.",
        "close": "يمكنك إغلاق هذه النافذة.",
        "survey": "لحظة من فضلك: بعض الأسئلة حول هذه المحادثة…",
        "failed": "انقطع الاتصال. تجري المحاولة من جديد…",
        "no_script": "تحتاج هذه المحادثة إلى JavaScript.",
    },
}


def texts_for(locale: str) -> tuple[str, dict[str, str]]:
    """Return the language and its texts; English for a language without texts."""
    language = locale.replace("_", "-").split("-")[0].lower()
    language = language if language in _TEXTS else "en"
    return language, _TEXTS[language]
