package sluice.connect;

import java.time.Instant;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.transforms.Transformation;

/** Fills in where in the log a row of LandedConverter was, which a converter is not told. A note is no row: dropped. */
public final class Origin<R extends ConnectRecord<R>> implements Transformation<R> {
    static SchemaBuilder with(SchemaBuilder row) {
        return row.field("_topic", Schema.OPTIONAL_STRING_SCHEMA)
            .field("_partition", Schema.OPTIONAL_INT32_SCHEMA)
            .field("_offset", Schema.OPTIONAL_INT64_SCHEMA)
            .field("_timestamp", Cell.instant().schema());
    }

    @Override
    public R apply(R record) {
        if (record.value() == null) {
            return null;
        }
        Struct row = (Struct) record.value();
        row.put("_topic", record.topic());
        row.put("_partition", record.kafkaPartition());
        row.put("_offset", ((SinkRecord) record).kafkaOffset());
        row.put("_timestamp", Cell.iso(Instant.ofEpochMilli(Math.max(0, record.timestamp()))));
        return record;
    }

    @Override
    public ConfigDef config() {
        return new ConfigDef();
    }

    @Override
    public void configure(Map<String, ?> configs) {
    }

    @Override
    public void close() {
    }
}
