import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.CompressionType;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.WriteBufferManager;

/**
 * The same job in Kafka Streams, as one would write it for speed: exactly_once_v2, each event id counted
 * once, hourly sums by (usage hour, subscription, meter, resource) into a topic. It decodes the Avro datum
 * by hand, keeps no ledger, judges no event, and its ids never expire.
 *
 * Arguments: brokers, topic, topic for the sums, records in the topic, default | tuned | memory,
 * directory for state, threads.
 */
public class UsageStreams {
  static final LongAdder records = new LongAdder();
  static final LongAdder events = new LongAdder();
  static final LongAdder windows = new LongAdder();

  static final Duration INTERVAL = Duration.ofSeconds(1);
  static final long HOUR_MILLIS = 3_600_000;
  static final int HEADER_BYTES = 5;
  static final int ID_BYTES = 16;
  static final byte[] SEEN = {1};

  /** A cursor over an Avro datum. */
  static final class Datum {
    final byte[] bytes;
    int at;

    Datum(byte[] bytes) {
      this.bytes = bytes;
      this.at = HEADER_BYTES + ID_BYTES;
    }

    long number() {
      long raw = 0;
      int shift = 0;
      byte next;
      do {
        next = bytes[at++];
        raw |= (long) (next & 0x7f) << shift;
        shift += 7;
      } while (next < 0);
      return (raw >>> 1) ^ -(raw & 1);
    }

    void skipText() {
      int length = (int) number();
      at += length;
    }
  }

  static final class Count implements Processor<byte[], byte[], byte[], byte[]> {
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<byte[], byte[]> ids;
    private KeyValueStore<byte[], byte[]> sums;
    /** Windows that changed since they were last sent. */
    private final Map<ByteBuffer, byte[]> changed = new HashMap<>();

    @Override
    public void init(ProcessorContext<byte[], byte[]> given) {
      context = given;
      ids = given.getStateStore("ids");
      sums = given.getStateStore("sums");
      given.schedule(INTERVAL, PunctuationType.WALL_CLOCK_TIME, this::send);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      records.increment();
      byte[] value = record.value();
      if (value == null || value.length < HEADER_BYTES + ID_BYTES || value[0] != 0) return; // rules
      byte[] id = Arrays.copyOfRange(value, HEADER_BYTES, HEADER_BYTES + ID_BYTES);
      if (ids.putIfAbsent(id, SEEN) != null) return;
      events.increment();
      Datum datum = new Datum(value);
      int from = datum.at;
      datum.skipText();
      datum.skipText();
      datum.skipText();
      int to = datum.at;
      long hour = datum.number() / HOUR_MILLIS;
      datum.number();
      int length = (int) datum.number();
      BigInteger quantity = new BigInteger(value, datum.at, length);
      byte[] window = new byte[to - from + 8];
      ByteBuffer.wrap(window).putLong(hour).put(value, from, to - from);
      byte[] before = sums.get(window);
      if (before == null) windows.increment();
      byte[] sum = (before == null ? quantity : new BigInteger(before).add(quantity)).toByteArray();
      sums.put(window, sum);
      changed.put(ByteBuffer.wrap(window), sum);
    }

    /** Sums are sent, and then committed with everything that they come from. */
    private void send(long now) {
      changed.forEach((window, sum) -> context.forward(new Record<>(window.array(), sum, now)));
      changed.clear();
      context.commit();
    }
  }

  /** Memory shared by all stores, bloom filters for ids that are new, no compression. */
  public static final class Tuned implements RocksDBConfigSetter {
    private static final LRUCache CACHE = new LRUCache(512L << 20);
    private static final WriteBufferManager BUFFERS = new WriteBufferManager(256L << 20, CACHE);

    @Override
    public void setConfig(String store, Options options, Map<String, Object> configs) {
      BlockBasedTableConfig table = (BlockBasedTableConfig) options.tableFormatConfig();
      table.setBlockCache(CACHE);
      table.setFilterPolicy(new BloomFilter(10, false));
      table.setCacheIndexAndFilterBlocks(true);
      options.setWriteBufferManager(BUFFERS);
      options.setWriteBufferSize(64L << 20);
      options.setMaxWriteBufferNumber(4);
      options.setCompressionType(CompressionType.NO_COMPRESSION);
      options.setMaxBackgroundJobs(2);
      options.setTableFormatConfig(table);
    }

    @Override
    public void close(String store, Options options) {}
  }

  static StoreBuilder<KeyValueStore<byte[], byte[]>> store(String name, String kind) {
    KeyValueBytesStoreSupplier supplier =
        kind.equals("memory")
            ? Stores.inMemoryKeyValueStore(name)
            : Stores.persistentKeyValueStore(name);
    StoreBuilder<KeyValueStore<byte[], byte[]>> builder =
        Stores.keyValueStoreBuilder(supplier, Serdes.ByteArray(), Serdes.ByteArray());
    return name.equals("sums") ? builder.withCachingEnabled() : builder;
  }

  static Properties settings(String application, String brokers, String kind, String state, String threads) {
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
    settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, threads);
    // Every second, by `send`: sums and what they come from are in one transaction.
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 600_000);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG), 900_000);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, state);
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    if (kind.equals("default")) return settings;
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 256L << 20);
    settings.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 10_000);
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 10_000);
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 4 << 20);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 512 << 10);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 50);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 128L << 20);
    if (kind.equals("tuned")) settings.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, Tuned.class);
    return settings;
  }

  static long committed(Admin admin, String application) throws Exception {
    return admin.listConsumerGroupOffsets(application).partitionsToOffsetAndMetadata().get().values().stream()
        .mapToLong(each -> each == null ? 0 : each.offset())
        .sum();
  }

  public static void main(String[] args) throws Exception {
    String brokers = args[0];
    String kind = args[4];
    long all = Long.parseLong(args[3]);
    String application = "bench-streams-" + System.currentTimeMillis();
    Topology topology = new Topology();
    topology
        .addSource("events", args[1])
        .addProcessor("count", Count::new, "events")
        .addStateStore(store("ids", kind), "count")
        .addStateStore(store("sums", kind), "count")
        .addSink("sums-out", args[2], "count");
    Properties settings = settings(application, brokers, kind, args[5], args[6]);
    try (KafkaStreams streams = new KafkaStreams(topology, settings);
        Admin admin = Admin.create(Map.of("bootstrap.servers", brokers))) {
      streams.setStateListener(
          (now, before) -> {
            if (now == KafkaStreams.State.RUNNING) tell("assigned", "");
            if (now == KafkaStreams.State.ERROR) System.exit(1);
          });
      streams.setUncaughtExceptionHandler(
          error -> {
            error.printStackTrace();
            return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler
                .StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
          });
      streams.start();
      while (records.sum() < all) Thread.sleep(10);
      while (committed(admin, application) < all) Thread.sleep(20);
      String counts = "\"records\":%d,\"events\":%d,\"windows\":%d";
      tell("done", ",\"counts\":{" + String.format(counts, records.sum(), events.sum(), windows.sum()) + "}");
      System.in.read(); // its memory is looked at before it is ended
    }
  }

  static void tell(String at, String more) {
    System.out.println("{\"at\":\"" + at + "\",\"millis\":" + System.currentTimeMillis() + more + "}");
  }
}
