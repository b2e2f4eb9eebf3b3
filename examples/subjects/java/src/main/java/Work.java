import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * The work that these programs do with a record. In a trial it is a call of Plimsoll's sink, which
 * answers with the outcome; in your program it is whatever your program is for.
 */
final class Work {
    /** It failed, and may succeed when it is tried again, unless it is `forGood`. */
    static final class Failed extends Exception {
        final boolean forGood;

        Failed(String reason, boolean forGood) {
            super(reason);
            this.forGood = forGood;
        }
    }

    static void on(ConsumerRecord<?, ?> record) throws Failed {
        var body = "{\"topic\": \"%s\", \"partition\": %d, \"offset\": %d}"
                .formatted(record.topic(), record.partition(), record.offset());
        int status;
        try {
            var sink = URI.create(System.getenv("PLIMSOLL_SINK_URL")).toURL();
            var call = (HttpURLConnection) sink.openConnection();
            call.setConnectTimeout(30_000);
            call.setReadTimeout(30_000);
            call.setDoOutput(true);
            call.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));
            status = call.getResponseCode();
        } catch (IOException error) {
            throw new Failed(error.toString(), false);
        }
        if (status != 200) {
            throw new Failed("the sink answered " + status, status == 422);
        }
    }

    private Work() {}
}
