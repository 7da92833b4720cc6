"""The channel e-mail: one mail to one address, and what the server's answer means."""

import smtplib
from collections.abc import Sequence

from django.core.mail import mailers

from approvals.messages.composing import compose_mail, name_mail
from approvals.messages.verdicts import Dead, Later, SendVerdict, Sent
from approvals.models import Channel, Notification


def send_mail(channel: Channel, rows: Sequence[Notification]) -> SendVerdict:
    """Send rows as one mail. An answer of 5xx is final, but for a refused log-in."""
    try:
        mailers["default"].send_messages([compose_mail(channel, rows)])
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        return _judge(code, _readable(text))
    except smtplib.SMTPResponseException as error:
        return _judge_answer(error)
    except (smtplib.SMTPException, OSError) as error:  # of TLS, too
        return Later(why=str(error) or type(error).__name__, is_outage=True)
    except ValueError as error:  # an address or a header that no mail may have
        return Dead(str(error))
    return Sent(name_mail(rows))


def _judge_answer(error: smtplib.SMTPResponseException) -> SendVerdict:
    code, text = error.smtp_code, _readable(error.smtp_error)
    if isinstance(error, smtplib.SMTPAuthenticationError):  # the operator's, not the message's
        return Later(why=f"Log-in refused: {code} {text}", is_outage=True)
    if isinstance(error, smtplib.SMTPConnectError | smtplib.SMTPHeloError):
        return Later(why=f"{code} {text}", is_outage=True)
    return _judge(code, text)


def _judge(code: int, text: str) -> SendVerdict:
    why = f"{code} {text}"
    return Dead(why) if 500 <= code < 600 else Later(why=why)


def _readable(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
