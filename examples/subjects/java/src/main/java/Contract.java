import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * The settings that a trial hands to these programs: the scenario's, by which they are judged. A
 * program of yours that has settings of its own may keep them; the README says what it is judged by.
 */
final class Contract {
    static Map<String, Object> settings() {
        var settings = new HashMap<String, Object>();
        settings.put("bootstrap.servers", told("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092"));
        settings.put("group.id", told("KAFKA_GROUP_ID", "group"));
        settings.put("group.instance.id", System.getenv("KAFKA_GROUP_INSTANCE_ID"));
        settings.put("session.timeout.ms", told("KAFKA_SESSION_TIMEOUT_MS", "45000"));
        settings.put("heartbeat.interval.ms", told("KAFKA_HEARTBEAT_INTERVAL_MS", "3000"));
        settings.put("max.poll.interval.ms", told("KAFKA_MAX_POLL_INTERVAL_MS", "300000"));
        settings.put("metadata.max.age.ms", told("KAFKA_METADATA_MAX_AGE_MS", "300000"));
        var assignor = switch (told("KAFKA_PARTITION_ASSIGNMENT_STRATEGY", "range")) {
            case "cooperative-sticky" -> CooperativeStickyAssignor.class;
            case "roundrobin" -> RoundRobinAssignor.class;
            default -> RangeAssignor.class;
        };
        settings.put("partition.assignment.strategy", assignor.getName());
        settings.put("key.deserializer", ByteArrayDeserializer.class.getName());
        settings.put("value.deserializer", ByteArrayDeserializer.class.getName());
        return settings;
    }

    static List<String> topics() {
        return List.of(told("KAFKA_TOPIC", "").split(","));
    }

    /** Returns the value of a variable, or another where nothing is told. */
    static String told(String variable, String otherwise) {
        return System.getenv().getOrDefault(variable, otherwise);
    }

    private Contract() {}
}
