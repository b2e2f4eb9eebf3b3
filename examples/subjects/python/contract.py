"""The settings that a trial hands to these programs: the scenario's, by which they are judged. A
program of yours that has settings of its own may keep them; the README says what it is judged by."""

import os

env = os.environ
BROKERS = env["KAFKA_BOOTSTRAP_SERVERS"]
GROUP = env["KAFKA_GROUP_ID"]
TOPICS = env["KAFKA_TOPIC"].split(",")
DEAD_LETTERS = env.get("PLIMSOLL_DEAD_LETTER_TOPIC")
ATTEMPTS = int(env.get("PLIMSOLL_ATTEMPTS", 5))
COMMIT_INTERVAL_MS = int(env.get("PLIMSOLL_COMMIT_INTERVAL_MS", 5_000))
SESSION_TIMEOUT_MS = int(env.get("KAFKA_SESSION_TIMEOUT_MS", 45_000))
HEARTBEAT_INTERVAL_MS = int(env.get("KAFKA_HEARTBEAT_INTERVAL_MS", 3_000))
MAX_POLL_INTERVAL_MS = int(env.get("KAFKA_MAX_POLL_INTERVAL_MS", 300_000))
METADATA_MAX_AGE_MS = int(env.get("KAFKA_METADATA_MAX_AGE_MS", 300_000))
ASSIGNOR = env.get("KAFKA_PARTITION_ASSIGNMENT_STRATEGY", "range")
INSTANCE_ID = env.get("KAFKA_GROUP_INSTANCE_ID")
# Where the scenario lets a group without a commit begin. Only the wrong programs take it over.
INITIAL = env.get("KAFKA_AUTO_OFFSET_RESET", "earliest")
