"""A consumer with confluent-kafka that commits only what is finished."""

import signal
import sys
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

import contract
import work

finished = {}  # the next offset of each partition that has a finished record
failures = {}  # the number of failures of the record at which a partition stands
resume_at = {}  # the time at which a partition goes on that waits after a failure
stopping = False


def main():
    # The stop only sets a flag: the record in work is finished, then close() gives all up, which
    # commits, and leaves.
    signal.signal(signal.SIGTERM, stop)
    consumer = Consumer(settings())
    consumer.subscribe(contract.TOPICS, on_revoke=revoked, on_lost=forget)
    next_commit = 0
    while not stopping:
        if time.monotonic() >= next_commit:
            commit(consumer)
            next_commit = time.monotonic() + contract.COMMIT_INTERVAL_MS / 1000
        for place in [place for place, at in resume_at.items() if at <= time.monotonic()]:
            del resume_at[place]
            consumer.resume([TopicPartition(*place)])
        message = consumer.poll(0.1)
        if message is None:
            continue
        if message.error():
            print(message.error(), file=sys.stderr)
        elif finish(consumer, message):
            place = (message.topic(), message.partition())
            finished[place] = TopicPartition(*place, message.offset() + 1)
    consumer.close()


def finish(consumer, message):
    """Does the work of a record, or sets it aside. Returns False if it is to be tried again."""
    place = (message.topic(), message.partition())
    try:
        work.do(*place, message.offset())
    except work.Failed as error:
        failures[place] = failures.get(place, 0) + 1
        if failures[place] < contract.ATTEMPTS and not error.for_good:
            # The partition goes back to the record and waits; the others, heartbeats and
            # rebalances go on meanwhile. To sleep here would hold all of them up.
            consumer.seek(TopicPartition(*place, message.offset()))
            consumer.pause([TopicPartition(*place)])
            resume_at[place] = time.monotonic() + min(0.1 * 2 ** failures[place], 2)
            return False
        set_aside(message)
    failures.pop(place, None)
    return True


def set_aside(message):
    """Copies a record to the dead-letter topic, and waits until all replicas have it."""
    if contract.DEAD_LETTERS is None:
        return  # It is skipped: your program may decide otherwise.
    producer = Producer({"bootstrap.servers": contract.BROKERS, "acks": "all"})
    origin = {"topic": message.topic(), "partition": message.partition(), "offset": message.offset()}
    headers = {f"plimsoll-{name}": str(value) for name, value in origin.items()}
    errors = ["not written yet"]
    while errors.pop():
        producer.produce(contract.DEAD_LETTERS, message.value(), message.key(), headers=headers,
                         on_delivery=lambda error, _: errors.append(error))
        producer.flush()


def commit(consumer):
    """Commits all of it each time, so the next commit makes good what a failed one left. It waits
    for the answer: of two commits on the way, librdkafka may send the older one again behind the
    newer one, as its own auto-commit does."""
    try:
        if finished:
            consumer.commit(offsets=list(finished.values()), asynchronous=False)
    except KafkaException as error:
        print("cannot commit:", error, file=sys.stderr)


def revoked(consumer, partitions):
    """Commits before the next owner begins. It runs inside poll(), so no record is in work."""
    commit(consumer)
    forget(consumer, partitions)


def forget(consumer, partitions):
    """Forgets what was taken away, also without a question: to commit that would be too late."""
    # A pause would outlast the rebalance, and stop the partition when it comes back.
    consumer.resume(partitions)
    for partition in partitions:
        for state in (finished, failures, resume_at):
            state.pop((partition.topic, partition.partition), None)


def stop(*_):
    global stopping
    stopping = True


def settings():
    settings = {
        "bootstrap.servers": contract.BROKERS,
        "group.id": contract.GROUP,
        "session.timeout.ms": contract.SESSION_TIMEOUT_MS,
        "heartbeat.interval.ms": contract.HEARTBEAT_INTERVAL_MS,
        "max.poll.interval.ms": contract.MAX_POLL_INTERVAL_MS,
        "topic.metadata.refresh.interval.ms": contract.METADATA_MAX_AGE_MS,
        "partition.assignment.strategy": contract.ASSIGNOR,
        # Not "latest", whatever is wanted: a group that dies before its first commit would begin
        # behind what came meanwhile, and so would a reader of a partition that was added.
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
    if contract.INSTANCE_ID:
        settings["group.instance.id"] = contract.INSTANCE_ID
    return settings


main()
