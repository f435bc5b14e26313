# SPDX-License-Identifier: BSD-2-Clause
"""Real servers for test_run_protocols.py, from Debian's libraries: servers.py KIND ADDR PORT FOLDER [PASSIVE-PORT]

It prints "ready PORT" when it listens, then one line for what it was told, and ends with its parent.
"""
import asyncio
import pathlib
import sys
import warnings

KIND, ADDR, PORT, FOLDER = sys.argv[1], sys.argv[2], int(sys.argv[3]), pathlib.Path(sys.argv[4])


def ready(port):
    print("ready", port, flush=True)


def ftp():
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler
    from pyftpdlib.servers import FTPServer
    FTPHandler.authorizer = DummyAuthorizer()
    FTPHandler.authorizer.add_user("u", "p", str(FOLDER), perm="elradfmwMT")
    if len(sys.argv) > 5:
        FTPHandler.passive_ports = [int(sys.argv[5])]
        FTPHandler.masquerade_address = "127.0.0.1"
    FTPHandler.log = FTPHandler.logerror = lambda *_, **__: None
    server = FTPServer((ADDR, PORT), FTPHandler)
    ready(server.address[1])
    server.serve_forever()


def smtp():
    from aiosmtpd.smtp import SMTP

    class Keep:
        async def handle_DATA(self, server, session, envelope):  # noqa: N802: aiosmtpd's name
            (FOLDER / "mail").write_bytes(envelope.content)
            return "250 taken"

    async def main():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(Keep(), hostname="test"), ADDR, PORT)
        ready(server.sockets[0].getsockname()[1])
        await server.serve_forever()
    asyncio.run(main())


def ssh():
    warnings.simplefilter("ignore")
    import asyncssh

    async def session(process):
        if process.command == "octets":
            process.stdout.write((FOLDER / "f").read_bytes())
        else:
            process.stdout.write(await process.stdin.read())
        process.exit(3)

    async def main():
        server = await asyncssh.listen(ADDR, PORT, server_host_keys=[str(FOLDER / "host")],
                                       authorized_client_keys=str(FOLDER / "user.pub"), process_factory=session,
                                       sftp_factory=True, encoding=None)
        ready(server.sockets[0].getsockname()[1])
        await server.wait_closed()
    asyncio.run(main())


def snmp():
    from pysnmp.carrier.asyncore.dgram import udp
    from pysnmp.entity import config, engine
    from pysnmp.entity.rfc3413 import cmdrsp, context
    from pysnmp.proto.api import v2c
    agent = engine.SnmpEngine()
    transport = udp.UdpTransport().openServerMode((ADDR, PORT))
    config.addTransport(agent, udp.domainName, transport)
    config.addV1System(agent, "area", "public")
    config.addVacmUser(agent, 2, "area", "noAuthNoPriv", (1, 3, 6), (1, 3, 6))
    every = context.SnmpContext(agent)
    cmdrsp.GetCommandResponder(agent, every)
    cmdrsp.BulkCommandResponder(agent, every)
    builder = every.getMibInstrum().getMibBuilder()
    scalar, instance = builder.importSymbols("SNMPv2-SMI", "MibScalar", "MibScalarInstance")
    long = (1, 3, 6, 1, 4, 1, 32473, 1)     # 32473: for documentation [RFC5612]
    builder.exportSymbols("LONG", scalar(long, v2c.OctetString()).setMaxAccess("readonly"),
                          instance(long, (0,), v2c.OctetString("x" * 1200)))
    ready(PORT)
    agent.transportDispatcher.jobStarted(1)
    agent.transportDispatcher.runDispatcher()


{"ftp": ftp, "smtp": smtp, "ssh": ssh, "snmp": snmp}[KIND]()
