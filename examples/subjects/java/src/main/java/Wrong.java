import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;

/** Four ways to get kafka-clients wrong. The argument says which. */
public final class Wrong {
    private enum Mistake { COMMITS_FIRST, COMMITS_POLLED, KEEPS_REVOKED, SKIPS_FAILURES }

    public static void main(String[] arguments) throws InterruptedException {
        var mistake = Mistake.valueOf(arguments[0].toUpperCase().replace('-', '_'));
        var backlog = new ArrayDeque<ConsumerRecord<byte[], byte[]>>();
        var consumer = new KafkaConsumer<byte[], byte[]>(settings());
        consumer.subscribe(Contract.topics(), new ConsumerRebalanceListener() {
            @Override
            public void onPartitionsAssigned(Collection<TopicPartition> partitions) {}

            @Override
            public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
                // WRONG without this: what is in the backlog belongs to the next owner now.
                if (mistake != Mistake.KEEPS_REVOKED) {
                    backlog.removeIf(record -> partitions.contains(partition(record)));
                }
            }
        });
        while (true) {
            consumer.poll(Duration.ofMillis(backlog.isEmpty() ? 100 : 0)).forEach(backlog::add);
            if (mistake == Mistake.COMMITS_POLLED) {
                // WRONG: commits the position, which is behind all that poll() handed out.
                consumer.commitAsync();
            }
            var record = backlog.poll();
            if (record == null) continue;
            var next = Map.of(partition(record), new OffsetAndMetadata(record.offset() + 1));
            if (mistake == Mistake.COMMITS_FIRST) {
                // WRONG: "at most once". If the process dies now, the record is lost.
                consumer.commitSync(next);
            }
            boolean finished = finish(record, mistake);
            if (finished && mistake.compareTo(Mistake.KEEPS_REVOKED) >= 0) {
                // WRONG after a failure: what failed before is below this offset.
                consumer.commitAsync(next, null);
            }
        }
    }

    private static boolean finish(ConsumerRecord<?, ?> record, Mistake mistake)
            throws InterruptedException {
        while (true) {
            try {
                Work.on(record);
                return true;
            } catch (Work.Failed error) {
                System.err.println("failed: " + error.getMessage());
                // "It is not committed, so it comes again." It does not.
                if (mistake == Mistake.SKIPS_FAILURES) return false;
                Thread.sleep(100);
            }
        }
    }

    private static TopicPartition partition(ConsumerRecord<?, ?> record) {
        return new TopicPartition(record.topic(), record.partition());
    }

    private static Map<String, Object> settings() {
        var settings = Contract.settings();
        settings.put("auto.offset.reset", Contract.told("KAFKA_AUTO_OFFSET_RESET", "latest"));
        settings.put("enable.auto.commit", "false");
        return settings;
    }
}
