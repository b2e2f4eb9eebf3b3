import java.time.Duration;
import java.util.*;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** A consumer with kafka-clients that commits only what is finished. */
public final class Right implements ConsumerRebalanceListener {
    private static final int ATTEMPTS = Integer.parseInt(Contract.told("PLIMSOLL_ATTEMPTS", "5"));
    private static final long INTERVAL = Long.parseLong(Contract.told("PLIMSOLL_COMMIT_INTERVAL_MS", "5000"));
    private static volatile boolean stopping;

    /** The next offset of each partition that has a finished record. */
    private final Map<TopicPartition, OffsetAndMetadata> finished = new HashMap<>();
    /** The number of failures of the record at which a partition stands. */
    private final Map<TopicPartition, Integer> failures = new HashMap<>();
    /** The time at which a partition goes on that waits after a failure. */
    private final Map<TopicPartition, Long> resumeAt = new HashMap<>();
    /** Whether a commit is on its way. */
    private boolean isCommitting;
    private final KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings());

    public static void main(String[] arguments) {
        // SIGTERM runs this hook, and the process lives until it returns: the record in work is
        // finished, and close() gives everything up in order, which commits.
        var main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            stopping = true;
            try { main.join(); } catch (InterruptedException ignored) { }
        }));
        new Right().run();
    }

    private void run() {
        consumer.subscribe(Contract.topics(), this);
        long nextCommit = now() + INTERVAL;
        while (!stopping) {
            resumeAt.entrySet().removeIf(entry -> {
                boolean isDue = entry.getValue() <= now();
                if (isDue) consumer.resume(List.of(entry.getKey()));
                return isDue;
            });
            for (var record : consumer.poll(Duration.ofMillis(100))) {
                var partition = new TopicPartition(record.topic(), record.partition());
                if (finish(partition, record)) {
                    finished.put(partition, new OffsetAndMetadata(record.offset() + 1));
                }
            }
            if (now() >= nextCommit && !isCommitting && !finished.isEmpty()) {
                // All of it each time, so the next commit makes good what a failed one left. And
                // one at a time: what waits in a connection that broke is carried out behind a
                // newer one, which rewinds the group.
                isCommitting = true;
                consumer.commitAsync(Map.copyOf(finished), (offsets, error) -> isCommitting = false);
                nextCommit = now() + INTERVAL;
            }
        }
        consumer.close();
    }

    /** Does the work of a record, or sets it aside. Returns false if it is to be tried again. */
    private boolean finish(TopicPartition partition, ConsumerRecord<byte[], byte[]> record) {
        try {
            Work.on(record);
        } catch (Work.Failed error) {
            System.err.println(partition + "@" + record.offset() + " failed: " + error.getMessage());
            int count = failures.merge(partition, 1, Integer::sum);
            if (count < ATTEMPTS && !error.forGood) {
                // The partition goes back to the record and waits; the others and rebalances go
                // on meanwhile. To sleep here would hold all of them up.
                consumer.seek(partition, record.offset());
                consumer.pause(List.of(partition));
                resumeAt.put(partition, now() + Math.min(100L << count, 2_000));
                return false;
            }
            setAside(record);
        }
        failures.remove(partition);
        return true;
    }

    /** Copies a record to the dead-letter topic, and waits until all replicas have it. */
    private static void setAside(ConsumerRecord<byte[], byte[]> record) {
        var topic = System.getenv("PLIMSOLL_DEAD_LETTER_TOPIC");
        if (topic == null) return; // It is skipped: the position of your program may be another.
        var settings = Map.<String, Object>of("bootstrap.servers", Contract.told("KAFKA_BOOTSTRAP_SERVERS", ""));
        try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            var copy = new ProducerRecord<>(topic, record.key(), record.value());
            copy.headers().add("plimsoll-topic", record.topic().getBytes());
            copy.headers().add("plimsoll-partition", String.valueOf(record.partition()).getBytes());
            copy.headers().add("plimsoll-offset", String.valueOf(record.offset()).getBytes());
            producer.send(copy).get();
        } catch (InterruptedException | ExecutionException error) {
            // The process ends and nothing is committed: the next owner tries the record again.
            throw new IllegalStateException("cannot set a record aside", error);
        }
    }

    /** Commits before the next owner begins. It runs inside poll(), so no record is in work. */
    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        try {
            if (!finished.isEmpty()) consumer.commitSync(Map.copyOf(finished));
        } catch (KafkaException error) {
            System.err.println("cannot commit: " + error); // The next owner repeats a little.
        }
        onPartitionsLost(partitions);
    }

    /** Forgets what was taken away without a question: to commit it now would be too late. */
    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
        for (var map : List.of(finished, failures, resumeAt)) map.keySet().removeAll(partitions);
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {}

    private static Map<String, Object> settings() {
        var settings = Contract.settings();
        // Not "latest", whatever is wanted: a group that dies before its first commit would begin
        // behind what came meanwhile, and so would a reader of a partition that was added.
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        // poll() takes from a buffer, so this costs little, and a rebalance, a commit and a stop
        // wait for one record only.
        settings.put("max.poll.records", "1");
        return settings;
    }

    private static long now() {
        return System.nanoTime() / 1_000_000;
    }
}
