package sluice.connect;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.avro.Schema;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.errors.RetriableException;

/**
 * Writers' schemas by their number, from Confluent's API.
 *
 * A registry that does not answer is no fault of the record: RetriableException, which Connect tries again
 * (errors.retry.timeout). A number that the registry does not know is: DataException.
 */
final class Registry {
    private static final Duration PATIENCE = Duration.ofSeconds(2);
    private static final long UNKNOWN_NANOS = Duration.ofSeconds(30).toNanos();
    private static final int MOST_UNKNOWN = 1_000;
    private static final int FOUND = 200;
    private static final int NOT_FOUND = 404;

    private final String url;
    private final HttpClient client = HttpClient.newBuilder().connectTimeout(PATIENCE).build();
    private final Map<Integer, Schema> known = new ConcurrentHashMap<>();
    private final Map<Integer, Long> unknown = new ConcurrentHashMap<>();

    Registry(String url) {
        this.url = url;
    }

    Schema writer(int id) {
        Schema schema = known.get(id);
        if (schema == null) {
            Long since = unknown.get(id);
            if (since != null && System.nanoTime() - since < UNKNOWN_NANOS) {
                throw new DataException("unknown_schema: schema id " + id);
            }
            schema = ask(id);
            known.put(id, schema);
        }
        return schema;
    }

    private Schema ask(int id) {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/schemas/ids/" + id)).timeout(PATIENCE).build();
        HttpResponse<String> response;
        try {
            response = client.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException error) {
            throw new RetriableException("schema registry: " + error.getClass().getSimpleName());
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new RetriableException("schema registry: interrupted");
        }
        if (response.statusCode() == NOT_FOUND) {
            if (unknown.size() >= MOST_UNKNOWN) {
                unknown.clear();
            }
            unknown.put(id, System.nanoTime());
            throw new DataException("unknown_schema: schema id " + id);
        }
        if (response.statusCode() != FOUND) {
            throw new RetriableException("schema registry: status " + response.statusCode());
        }
        return parsed(response.body());
    }

    private static Schema parsed(String body) {
        try {
            JsonNode document = new ObjectMapper().readTree(body);
            return new Schema.Parser().parse(document.path("schema").asText());
        } catch (IOException | RuntimeException error) {
            throw new RetriableException("schema registry: an answer that is none");
        }
    }
}
