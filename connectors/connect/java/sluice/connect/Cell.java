package sluice.connect;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.apache.avro.Schema;
import org.apache.avro.generic.IndexedRecord;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.ConnectException;

/**
 * One column: its type in Connect, and how a value comes into it. All columns may be null.
 *
 * Instants are text with a type's name that sinks know (Debezium's ZonedTimestamp): Connect's own type ends at the
 * millisecond.
 */
record Cell(org.apache.kafka.connect.data.Schema schema, Function<Object, Object> value) {
    static final String INSTANT = "io.debezium.time.ZonedTimestamp";
    private static final String JSON = "io.debezium.data.Json";
    private static final String PRECISION = "connect.decimal.precision";
    private static final ObjectMapper MAPPER = new ObjectMapper();

    Object of(Object avro) {
        return avro == null ? null : value.apply(avro);
    }

    /** What a table can hold that has neither structs nor lists, nor the character NUL: these as JSON, that replaced. */
    Cell flat() {
        return switch (schema.type()) {
            case STRUCT, ARRAY, MAP -> new Cell(
                SchemaBuilder.string().name(JSON).optional().build(),
                avro -> json(plain(value.apply(avro))).replace("\\u0000", "\\uFFFD"));
            case STRING -> new Cell(schema, avro -> ((String) value.apply(avro)).replace('\0', '\uFFFD'));
            default -> this;
        };
    }

    static Cell of(Schema avro) {
        if (avro.getLogicalType() != null) {
            return logical(avro);
        }
        return switch (avro.getType()) {
            case UNION -> of(other(avro));
            case STRING, ENUM -> new Cell(SchemaBuilder.string().optional().build(), Object::toString);
            case BYTES -> new Cell(SchemaBuilder.bytes().optional().build(), Function.identity());
            case BOOLEAN -> new Cell(SchemaBuilder.bool().optional().build(), Function.identity());
            case INT -> new Cell(SchemaBuilder.int32().optional().build(), Function.identity());
            case LONG -> new Cell(SchemaBuilder.int64().optional().build(), Function.identity());
            case FLOAT -> new Cell(SchemaBuilder.float32().optional().build(), Function.identity());
            case DOUBLE -> new Cell(SchemaBuilder.float64().optional().build(), Function.identity());
            case ARRAY -> list(of(avro.getElementType()));
            case MAP -> map(of(avro.getValueType()));
            case RECORD -> struct(avro);
            default -> throw new ConnectException("A column cannot be of type " + avro.getType() + ".");
        };
    }

    static Cell instant() {
        return new Cell(SchemaBuilder.string().name(INSTANT).optional().build(), micros -> iso(Instant.EPOCH.plus((Long) micros, ChronoUnit.MICROS)));
    }

    private static Cell logical(Schema avro) {
        switch (avro.getLogicalType().getName()) {
            case "timestamp-micros":
                return instant();
            case "decimal":
                int scale = (Integer) avro.getObjectProp("scale");
                String precision = avro.getObjectProp("precision").toString();
                return new Cell(
                    Decimal.builder(scale).parameter(PRECISION, precision).optional().build(),
                    bytes -> new BigDecimal(new BigInteger(content((ByteBuffer) bytes)), scale));
            default:
                throw new ConnectException("A column cannot be of type " + avro.getLogicalType().getName() + ".");
        }
    }

    private static Schema other(Schema union) {
        List<Schema> others = union.getTypes().stream().filter(one -> one.getType() != Schema.Type.NULL).toList();
        if (others.size() != 1) {
            throw new ConnectException("A union of several types cannot be landed.");
        }
        return others.get(0);
    }

    private static Cell list(Cell of) {
        return new Cell(SchemaBuilder.array(of.schema).optional().build(), avro -> {
            List<Object> values = new ArrayList<>();
            ((Iterable<?>) avro).forEach(one -> values.add(of.of(one)));
            return values;
        });
    }

    private static Cell map(Cell of) {
        var schema = SchemaBuilder.map(org.apache.kafka.connect.data.Schema.STRING_SCHEMA, of.schema).optional().build();
        return new Cell(schema, avro -> {
            Map<String, Object> values = new LinkedHashMap<>();
            ((Map<?, ?>) avro).forEach((name, one) -> values.put(name.toString(), of.of(one)));
            return values;
        });
    }

    private static Cell struct(Schema avro) {
        SchemaBuilder builder = SchemaBuilder.struct().name(avro.getFullName()).optional();
        List<Cell> cells = new ArrayList<>();
        for (Schema.Field field : avro.getFields()) {
            Cell cell = of(field.schema());
            cells.add(cell);
            builder.field(field.name(), cell.schema);
        }
        org.apache.kafka.connect.data.Schema schema = builder.build();
        return new Cell(schema, from -> {
            Struct made = new Struct(schema);
            for (int place = 0; place < cells.size(); place++) {
                made.put(schema.fields().get(place), cells.get(place).of(((IndexedRecord) from).get(place)));
            }
            return made;
        });
    }

    static String iso(Instant instant) {
        return DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(instant.atOffset(ZoneOffset.UTC));
    }

    private static byte[] content(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    /** As JSON has it: numbers of money as text, so that nobody rounds them. */
    private static Object plain(Object value) {
        if (value instanceof Struct struct) {
            Map<String, Object> made = new LinkedHashMap<>();
            struct.schema().fields().forEach(field -> made.put(field.name(), plain(struct.get(field))));
            return made;
        }
        if (value instanceof List<?> list) {
            return list.stream().map(Cell::plain).toList();
        }
        return value instanceof BigDecimal money ? money.toPlainString() : value;
    }

    private static String json(Object value) {
        try {
            return MAPPER.writeValueAsString(value);
        } catch (JsonProcessingException error) {
            throw new IllegalStateException(error.getClass().getSimpleName());
        }
    }
}
