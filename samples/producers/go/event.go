// Usage as records of usage events. No clock and no network.
package main

import (
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"strings"
	"time"
)

const (
	schemaID   = 1
	hourMillis = 3_600_000
)

// namespace is 6e1a1f0c-6a52-5d7c-9a8b-3d5f0c1b7e42.
const namespace = "\x6e\x1a\x1f\x0c\x6a\x52\x5d\x7c\x9a\x8b\x3d\x5f\x0c\x1b\x7e\x42"

// Record is one usage event, ready to be sent.
type Record struct {
	EventID    [16]byte
	Key, Value []byte
}

type part struct {
	start, end int64
	quantity   *big.Int
}

// partsOf gives one part for each hour of the clock. Their quantities add up to the whole, to the last decimal.
func partsOf(usage Usage) []part {
	var parts []part
	given := new(big.Int)
	for start := usage.Start; start < usage.End; {
		end := (start/hourMillis + 1) * hourMillis
		if end > usage.End {
			end = usage.End
		}
		soFar := new(big.Int).Mul(usage.Quantity, big.NewInt(end-usage.Start))
		soFar.Quo(soFar, big.NewInt(usage.End-usage.Start))
		parts = append(parts, part{start, end, new(big.Int).Sub(soFar, given)})
		given, start = soFar, end
	}
	return parts
}

// RecordsOf gives the events of a usage, one for each hour of the clock.
func RecordsOf(usage Usage) []Record {
	var records []Record
	key := []byte(asciiLower(usage.ResourceURI))
	for _, each := range partsOf(usage) {
		id := eventID(usage, each)
		records = append(records, Record{id, key, encode(usage, id, each)})
	}
	return records
}

// isoText writes 2026-02-03T04:00:00Z, with milliseconds only if they are not 000.
func isoText(millis int64) string {
	text := time.UnixMilli(millis).UTC().Format("2006-01-02T15:04:05.000Z")
	return strings.Replace(text, ".000Z", "Z", 1)
}

// eventID is the same for the same consumption, however often it is sent.
func eventID(usage Usage, of part) (id [16]byte) {
	parts := []string{
		asciiLower(usage.SubscriptionID), asciiLower(usage.MeterID), asciiLower(usage.ResourceURI),
		isoText(of.start), isoText(of.end), usage.Discriminator,
	}
	for i, part := range parts {
		parts[i] = quoted(part)
	}
	sum := sha1.Sum([]byte(namespace + "[" + strings.Join(parts, ",") + "]"))
	copy(id[:], sum[:])
	id[6] = id[6]&0x0f | 0x50 // version 5
	id[8] = id[8]&0x3f | 0x80 // the variant of RFC 9562
	return id
}

// quoted writes a text as JavaScript's JSON.stringify does. Package json also escapes <, >, &, U+2028 and U+2029.
func quoted(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, char := range text {
		if short := strings.IndexRune("\b\t\n\f\r\"\\", char); short >= 0 {
			out.WriteByte('\\')
			out.WriteByte("btnfr\"\\"[short])
		} else if char < 0x20 {
			out.WriteString(`\u00` + hex.EncodeToString([]byte{byte(char)}))
		} else {
			out.WriteRune(char)
		}
	}
	out.WriteByte('"')
	return out.String()
}

// encode writes Confluent's envelope, and then the fields of schemas/usage-event.v1.avsc in their order.
func encode(usage Usage, id [16]byte, of part) []byte {
	value := []byte{0}
	value = binary.BigEndian.AppendUint32(value, schemaID)
	value = append(value, id[:]...)
	value = appendText(value, usage.SubscriptionID)
	value = appendText(value, usage.MeterID)
	value = appendText(value, usage.ResourceURI)
	value = binary.AppendVarint(value, of.start) // Avro's long: zigzag, seven bits a byte
	value = binary.AppendVarint(value, of.end)
	value = appendText(value, string(twosComplement(of.quantity)))
	value = appendText(value, usage.Location)
	value = appendNullable(value, usage.Tags)
	return appendNullable(value, usage.AdditionalInfo)
}

// twosComplement writes a number that is not negative in as few bytes as possible; one bit is for the sign.
func twosComplement(count *big.Int) []byte {
	return count.FillBytes(make([]byte, count.BitLen()/8+1))
}

func appendText(to []byte, text string) []byte {
	return append(binary.AppendVarint(to, int64(len(text))), text...)
}

func appendNullable(to []byte, text *string) []byte {
	if text == nil {
		return binary.AppendVarint(to, 0)
	}
	return appendText(binary.AppendVarint(to, 1), *text)
}
