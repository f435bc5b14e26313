/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Socket calls while signals rain down, with SA_RESTART: a program must not notice. Each connection
 * carries its number, each datagram too: what is lost, doubled or refused is said.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ROUNDS 300u

static volatile sig_atomic_t alarms;

static void on_alarm(int sig)
{
    (void)sig;
    alarms++;
}

static void must(int ok, const char *what, unsigned round)
{
    if (ok)
        return;
    printf("round %u: %s: %s\n", round, what, strerror(errno));
    exit(1);
}

static int bound(int type, struct sockaddr_in *at)
{
    socklen_t len = sizeof *at;
    int fd = socket(AF_INET, type, 0);
    must(fd >= 0, "socket", 0);
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    must(bind(fd, (struct sockaddr *)at, sizeof *at) == 0, "bind", 0);
    must(getsockname(fd, (struct sockaddr *)at, &len) == 0, "getsockname", 0);
    return fd;
}

static void stream(int listener, const struct sockaddr_in *at, uint32_t round)
{
    uint32_t got = 0;
    int c = socket(AF_INET, SOCK_STREAM, 0);
    must(c >= 0, "socket", round);
    must(connect(c, (const struct sockaddr *)at, sizeof *at) == 0, "connect", round);
    int a = accept(listener, NULL, NULL);
    must(a >= 0, "accept", round);
    must(send(c, &round, sizeof round, 0) == sizeof round, "send", round);
    must(recv(a, &got, sizeof got, MSG_WAITALL) == sizeof got, "recv", round);
    must(got == round, "another connection's octets", round);
    close(c);
    must(recv(a, &got, sizeof got, 0) == 0, "end of file", round);
    close(a);
}

static void datagram(int from, int to, const struct sockaddr_in *at, uint32_t round)
{
    uint32_t got = 0;
    must(sendto(from, &round, sizeof round, 0, (const struct sockaddr *)at, sizeof *at) ==
             sizeof round,
         "sendto", round);
    must(recvfrom(to, &got, sizeof got, 0, NULL, NULL) == sizeof got, "recvfrom", round);
    must(got == round, "another datagram", round);
}

int main(void)
{
    struct sockaddr_in stream_at, dgram_at, any;
    struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    struct itimerval rain = {.it_interval.tv_usec = 100, .it_value.tv_usec = 100};
    int listener = bound(SOCK_STREAM, &stream_at), to = bound(SOCK_DGRAM, &dgram_at);
    int from = bound(SOCK_DGRAM, &any);

    must(listen(listener, 16) == 0, "listen", 0);
    must(sigaction(SIGALRM, &sa, NULL) == 0 && setitimer(ITIMER_REAL, &rain, NULL) == 0, "timer",
         0);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        stream(listener, &stream_at, round);
        datagram(from, to, &dgram_at, round);
    }
    must(alarms > 0, "no signal came", ROUNDS);
    printf("%u rounds\n", ROUNDS);
    return 0;
}
