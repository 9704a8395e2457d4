package sluice.connect;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.storage.Converter;

/**
 * Records of a topic as the rows that land: what connectors/columns.py does for Parquet.
 *
 * Sealed fields are left out, older schemas are read as the newest, and all rows of a topic have the columns of all its
 * events. The messages of its exceptions begin with a reason of the reject catalogue and hold no content.
 */
public final class LandedConverter implements Converter {
    private static final String URL = "registry.url";
    private static final String SCHEMAS = "schemas";
    private static final String FLAT = "flat";
    private static final String NOTE = "sluice-redriven";
    private static final String LETTERS = "-dlq";
    private static final int HEADER_BYTES = 5;

    private final Map<String, org.apache.avro.Schema> readers = new LinkedHashMap<>();
    private final Map<String, Cell> cells = new LinkedHashMap<>();
    private final Map<String, Set<String>> own = new HashMap<>();
    private Registry registry;
    private Schema row;

    @Override
    public ConfigDef config() {
        return new ConfigDef()
            .define(URL, ConfigDef.Type.STRING, ConfigDef.Importance.HIGH, "A registry that speaks Confluent's API.")
            .define(SCHEMAS, ConfigDef.Type.STRING, ConfigDef.Importance.HIGH, "Avro schemas of all events, a JSON list.")
            .define(FLAT, ConfigDef.Type.BOOLEAN, false, ConfigDef.Importance.LOW, "Nested columns as JSON.");
    }

    @Override
    public void configure(Map<String, ?> configs, boolean isKey) {
        Map<String, Object> told = config().parse(configs);
        registry = new Registry((String) told.get(URL));
        boolean flat = (Boolean) told.get(FLAT);
        SchemaBuilder builder = SchemaBuilder.struct();
        for (JsonNode one : listed((String) told.get(SCHEMAS))) {
            org.apache.avro.Schema schema = new org.apache.avro.Schema.Parser().parse(one.toString());
            readers.put(schema.getName(), schema);
            Set<String> names = own.computeIfAbsent(schema.getName(), ignored -> new LinkedHashSet<>());
            for (org.apache.avro.Schema.Field field : schema.getFields()) {
                if ("sealed".equals(field.getProp("pii"))) {
                    continue;
                }
                names.add(field.name());
                Cell cell = Cell.of(field.schema());
                if (cells.putIfAbsent(field.name(), flat ? cell.flat() : cell) == null) {
                    builder.field(field.name(), cells.get(field.name()).schema());
                }
            }
        }
        builder.field("_event", Schema.OPTIONAL_STRING_SCHEMA);
        builder.field("_landed_at", Cell.instant().schema());
        row = Origin.with(builder).build();
    }

    @Override
    public SchemaAndValue toConnectData(String topic, byte[] value) {
        return toConnectData(topic, null, value);
    }

    @Override
    public SchemaAndValue toConnectData(String topic, Headers headers, byte[] value) {
        if (value == null) {
            if (topic.endsWith(LETTERS) && headers != null && headers.lastHeader(NOTE) != null) {
                return SchemaAndValue.NULL; // a note that a letter is back: no event
            }
            throw new DataException("null_record: no value");
        }
        if (value.length == 0) {
            throw new DataException("empty_record: 0 bytes");
        }
        if (value.length < HEADER_BYTES || value[0] != 0) {
            throw new DataException("bad_magic_byte: " + value.length + " bytes, first is " + value[0]);
        }
        int id = ByteBuffer.wrap(value, 1, HEADER_BYTES - 1).getInt();
        org.apache.avro.Schema writer = registry.writer(id);
        org.apache.avro.Schema reader = readers.get(writer.getName());
        if (reader == null) {
            throw new DataException("unexpected_event: schema id " + id);
        }
        return new SchemaAndValue(row, struct(reader.getName(), decoded(writer, reader, value)));
    }

    @Override
    public byte[] fromConnectData(String topic, Schema schema, Object value) {
        throw new ConnectException("This converter reads only.");
    }

    private Struct struct(String event, GenericRecord record) {
        try {
            Struct made = new Struct(row);
            for (String name : own.get(event)) {
                made.put(name, cells.get(name).of(record.get(name)));
            }
            made.put("_event", event);
            made.put("_landed_at", Cell.iso(Instant.now().truncatedTo(ChronoUnit.MICROS)));
            return made;
        } catch (RuntimeException error) {
            throw new DataException("undecodable: " + event + ": " + error.getClass().getSimpleName());
        }
    }

    private static GenericRecord decoded(org.apache.avro.Schema writer, org.apache.avro.Schema reader, byte[] value) {
        try {
            BinaryDecoder decoder =
                DecoderFactory.get().binaryDecoder(value, HEADER_BYTES, value.length - HEADER_BYTES, null);
            GenericRecord record = new GenericDatumReader<GenericRecord>(writer, reader).read(null, decoder);
            if (!decoder.isEnd()) {
                throw new DataException("undecodable: " + reader.getName() + ": bytes are left over");
            }
            return record;
        } catch (DataException error) {
            throw error;
        } catch (IOException | RuntimeException error) {
            throw new DataException("undecodable: " + reader.getName() + ": " + error.getClass().getSimpleName());
        }
    }

    private static JsonNode listed(String schemas) {
        try {
            return new ObjectMapper().readTree(schemas);
        } catch (IOException error) {
            throw new ConnectException("The setting `schemas` is no JSON list.");
        }
    }
}
