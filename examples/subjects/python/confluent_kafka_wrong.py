"""Four ways to get confluent-kafka wrong. The argument says which."""

import sys
import time

from confluent_kafka import Consumer

import contract
import work

MISTAKES = ["commits-first", "commits-polled", "keeps-revoked", "skips-failures"]
mistake = sys.argv[1]
assert mistake in MISTAKES, MISTAKES
backlog = []


def main():
    consumer = Consumer({
        "bootstrap.servers": contract.BROKERS,
        "group.id": contract.GROUP,
        "auto.offset.reset": contract.INITIAL,
        "session.timeout.ms": contract.SESSION_TIMEOUT_MS,
        "heartbeat.interval.ms": contract.HEARTBEAT_INTERVAL_MS,
        "partition.assignment.strategy": contract.ASSIGNOR,
        # WRONG where records wait in a backlog: librdkafka stores the offset of each record that it
        # hands out, and commits it, worked on or not. It is the default.
        "enable.auto.commit": mistake == "commits-polled",
        "auto.commit.interval.ms": contract.COMMIT_INTERVAL_MS,
    })
    consumer.subscribe(contract.TOPICS, on_revoke=revoked)
    while True:
        backlog.extend(consumer.consume(50, timeout=0 if backlog else 0.1))
        if not backlog:
            continue
        message = backlog.pop(0)
        if message.error():
            continue
        if mistake == "commits-first":
            # WRONG: "at most once". If the process dies now, the record is lost.
            consumer.commit(message, asynchronous=False)
        finished = finish(message)
        if finished and mistake in ["keeps-revoked", "skips-failures"]:
            # WRONG after a failure: what failed before is below this offset.
            consumer.commit(message)


def finish(message):
    while True:
        try:
            work.do(message.topic(), message.partition(), message.offset())
            return True
        except work.Failed:
            if mistake == "skips-failures":
                return False  # "It is not committed, so it comes again." It does not.
            time.sleep(0.1)


def revoked(_, partitions):
    # WRONG without this: what is in the backlog belongs to the next owner now.
    if mistake != "keeps-revoked":
        given_up = [(p.topic, p.partition) for p in partitions]
        backlog[:] = [m for m in backlog if (m.topic(), m.partition()) not in given_up]


main()
