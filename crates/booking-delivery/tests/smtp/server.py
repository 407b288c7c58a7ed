"""A mail server whose behaviour depends on its recipients' names, for the tests of mail.

usage: server.py FOLDER [--tls=starttls|always] [--certificate=PEM --key=PEM] [--password=…] [--ascii] [--seconds=N] [--let-in=FILE]

Prints the port that it listens on, keeps each mail as FOLDER/<n>.eml, as it came, with FOLDER/<n>.json about how it
came, and ends when its standard input does. Recipients called refused@…, later@… and stalls@… get a 550, a 450, and
no answer; `rejected@…` a 554 for the message itself. With --seconds it takes one mail at a time, each in so many.
With --let-in it greets every client with a 421 until there is such a file, and counts them in FOLDER/refused.
"""

import argparse
import asyncio
import json
import os
import ssl
import sys
import threading

from aiosmtpd.smtp import SMTP, AuthResult


class Keeper:
    def __init__(self, folder, seconds):
        self.folder = folder
        self.seconds = seconds
        self.count = 0
        self.under_way = 0
        self.turn = asyncio.Lock()

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name == "refused":
            # As real ones like to say it.
            return f"550 5.1.1 <{address}>: Recipient address rejected: User {name} unknown"
        if name == "later":
            return f"450 4.2.1 The mailbox of {address} is busy, try again later"
        if name == "stalls":
            await asyncio.sleep(3600)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if envelope.rcpt_tos[0].startswith("rejected@"):
            return "554 5.7.1 Message rejected"
        self.under_way += 1
        under_way = self.under_way
        if self.seconds:
            async with self.turn:
                await asyncio.sleep(self.seconds)
        self.under_way -= 1
        self.count += 1
        path = os.path.join(self.folder, f"{self.count}")
        about = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "options": envelope.mail_options,
            "tls": session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None,
            "logged_in": session.authenticated,
            "under_way": under_way,
        }
        with open(path + ".json", "w", encoding="utf-8") as file:
            json.dump(about, file)
        with open(path + ".part", "wb") as file:
            file.write(envelope.original_content)
        os.rename(path + ".part", path + ".eml")
        return "250 2.0.0 Taken"


class Doorkeeper(SMTP):
    """Sends those away who come too early."""

    refused = 0

    def __init__(self, *arguments, folder, let_in, **options):
        super().__init__(*arguments, **options)
        self.folder = folder
        self.let_in = let_in

    def connection_made(self, transport):
        if self.let_in is None or os.path.exists(self.let_in):
            super().connection_made(transport)
            return
        Doorkeeper.refused += 1
        path = os.path.join(self.folder, "refused")
        with open(path + ".part", "w", encoding="utf-8") as file:
            file.write(str(Doorkeeper.refused))
        os.rename(path + ".part", path)
        transport.write(b"421 4.3.2 mail.example.org is not accepting network messages\r\n")
        transport.close()

    def connection_lost(self, error):
        if self.transport is not None:
            super().connection_lost(error)


async def serve(arguments):
    context = None
    if arguments.tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(arguments.certificate, arguments.key)
    keeper = Keeper(arguments.folder, arguments.seconds)

    def authenticate(server, session, envelope, mechanism, data):
        # The server itself answers a failed login.
        return AuthResult(success=data.password.decode() == arguments.password, handled=False)

    def protocol():
        return Doorkeeper(
            keeper,
            folder=arguments.folder,
            let_in=arguments.let_in,
            hostname="mail.example.org",
            enable_SMTPUTF8=not arguments.ascii,
            tls_context=context if arguments.tls == "starttls" else None,
            require_starttls=arguments.tls == "starttls",
            auth_required=arguments.password is not None,
            auth_require_tls=arguments.tls == "starttls",
            authenticator=authenticate if arguments.password is not None else None,
        )

    always = context if arguments.tls == "always" else None
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=always)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--tls", choices=["starttls", "always"])
parser.add_argument("--certificate")
parser.add_argument("--key")
parser.add_argument("--password")
parser.add_argument("--ascii", action="store_true")
parser.add_argument("--seconds", type=float, default=0)
parser.add_argument("--let-in")
threading.Thread(target=end_with_parent, daemon=True).start()
asyncio.run(serve(parser.parse_args()))
