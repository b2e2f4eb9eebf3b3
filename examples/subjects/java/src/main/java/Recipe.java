import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.FencedInstanceIdException;

/**
 * Consumes as introductions to kafka-clients show it: poll, handle all records, commitSync, and a
 * failure is logged. It loses what failed. With auto-commit (SUBJECT_AUTO_COMMIT=true) the next poll
 * commits in place of the loop.
 */
public final class Recipe {
    private static volatile boolean stopping;

    public static void main(String[] arguments) {
        var main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            stopping = true;
            try { main.join(); } catch (InterruptedException ignored) { }
        }));
        boolean autoCommit = Boolean.parseBoolean(Contract.told("SUBJECT_AUTO_COMMIT", "false"));
        try (var consumer = new KafkaConsumer<byte[], byte[]>(settings(autoCommit))) {
            consumer.subscribe(Contract.topics());
            while (!stopping) {
                try {
                    step(consumer, autoCommit);
                } catch (FencedInstanceIdException error) {
                    throw error; // Another process has this one's instance id: no poll mends that.
                } catch (KafkaException error) {
                    System.err.println("failed: " + error);
                }
            }
        }
    }

    private static void step(KafkaConsumer<byte[], byte[]> consumer, boolean autoCommit) {
        var records = consumer.poll(Duration.ofMillis(100));
        for (var record : records) {
            try {
                Work.on(record);
            } catch (Work.Failed error) {
                // WRONG: the commit takes it along.
                System.err.println(record.partition() + "@" + record.offset() + " failed: " + error.getMessage());
            }
        }
        if (!autoCommit && !records.isEmpty()) consumer.commitSync();
    }

    private static Map<String, Object> settings(boolean autoCommit) {
        var settings = Contract.settings();
        settings.put("auto.offset.reset", Contract.told("KAFKA_AUTO_OFFSET_RESET", "latest"));
        settings.put("request.timeout.ms", Contract.told("KAFKA_REQUEST_TIMEOUT_MS", "30000"));
        settings.put("enable.auto.commit", String.valueOf(autoCommit));
        settings.put("auto.commit.interval.ms", Contract.told("PLIMSOLL_COMMIT_INTERVAL_MS", "5000"));
        return settings;
    }
}
