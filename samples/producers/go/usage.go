// Usage as it is given: one JSON object a line. docs/other-languages.md says what each rule is for.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	identityBytes = 1024
	textBytes     = 64 * 1024
	scale         = 30
	mostHours     = 45*24 + 1
)

// Usage is what a provider reports, possibly over several hours of the clock.
type Usage struct {
	SubscriptionID, ResourceURI, MeterID string
	Start, End                           int64    // milliseconds since 1970; the end is exclusive
	Quantity                             *big.Int // a count of 10^-30
	Location                             string
	Tags, AdditionalInfo                 *string
	Discriminator                        string
}

// Problem is what is wrong with one field.
type Problem struct{ Field, Text string }

var (
	decimalText     = regexp.MustCompile(`^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,4}))?$`)
	timeText        = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?(Z|[+-]\d\d:\d\d)$`)
	hasSubscription = regexp.MustCompile(`^(?i:/subscriptions/)([^/]+)`)
	hasProvider     = regexp.MustCompile(`(?i:/providers/)[^/]`)
)

// asciiLower lowers A to Z alone. strings.ToLower changes other letters too, and then the id and the key are wrong.
func asciiLower(text string) string {
	lower := []byte(text)
	for i, char := range lower {
		if 'A' <= char && char <= 'Z' {
			lower[i] = char + 'a' - 'A'
		}
	}
	return string(lower)
}

// ParseUsage reads one line and names everything that is wrong with it.
func ParseUsage(line []byte) (Usage, []Problem) {
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber() // a float would round a quantity
	if !utf8.Valid(line) {
		return Usage{}, []Problem{{"line", "it is not UTF-8"}}
	}
	if err := decoder.Decode(&fields); err != nil || fields == nil {
		return Usage{}, []Problem{{"line", "it must be a JSON object"}}
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Usage{}, []Problem{{"line", "something follows the JSON object"}}
	}
	// The decoder writes U+FFFD for half of a surrogate pair.
	reader := reader{fields: fields, mayReplace: bytes.Contains(line, []byte("\uFFFD")) || bytes.Contains(bytes.ToLower(line), []byte(`\ufffd`))}
	usage := Usage{
		SubscriptionID: reader.text("subscriptionId", 1, identityBytes, true),
		ResourceURI:    reader.text("resourceUri", 1, identityBytes, true),
		MeterID:        reader.text("meterId", 1, identityBytes, true),
		Start:          reader.time("from"),
		End:            reader.time("to"),
		Quantity:       reader.quantity("quantity"),
		Location:       reader.text("location", 1, identityBytes, false),
		Tags:           reader.textOrNull("tags"),
		AdditionalInfo: reader.textOrNull("additionalInfo"),
	}
	if _, given := fields["discriminator"]; given {
		usage.Discriminator = reader.text("discriminator", 0, textBytes, false)
	}
	for name := range fields {
		if !known[name] {
			reader.problem(name, "there is no such field")
		}
	}
	reader.checkPlace(usage)
	reader.checkPeriod(usage)
	if len(reader.problems) == 0 && isTooLarge(usage) {
		reader.problem("quantity", "it comes to 10^15 or more in an hour")
	}
	return usage, reader.problems
}

var known = map[string]bool{
	"subscriptionId": true, "resourceUri": true, "meterId": true, "from": true, "to": true, "quantity": true,
	"location": true, "tags": true, "additionalInfo": true, "discriminator": true,
}

func isTooLarge(usage Usage) bool {
	limit := powerOfTen(15 + scale)
	for _, part := range partsOf(usage) {
		if part.quantity.Cmp(limit) >= 0 {
			return true
		}
	}
	return false
}

type reader struct {
	fields     map[string]any
	mayReplace bool
	problems   []Problem
}

func (r *reader) problem(field, format string, values ...any) {
	r.problems = append(r.problems, Problem{field, fmt.Sprintf(format, values...)})
}

func (r *reader) has(field string) bool {
	for _, problem := range r.problems {
		if problem.Field == field {
			return false
		}
	}
	return true
}

func (r *reader) value(field string) (any, bool) {
	value, given := r.fields[field]
	if !given {
		r.problem(field, "it is missing")
	}
	return value, given
}

func (r *reader) text(field string, least, most int, isName bool) string {
	value, given := r.value(field)
	text, isText := value.(string)
	switch {
	case !given:
	case !isText:
		r.problem(field, "it must be a text")
	case !r.mayReplace && strings.Contains(text, "\uFFFD"):
		r.problem(field, "it holds half of a surrogate pair")
	case isName && strings.IndexFunc(text, isUnfit) >= 0:
		r.problem(field, "it holds a control character or a line separator")
	case len(text) < least || len(text) > most:
		r.problem(field, "it has %d bytes, allowed are %d to %d", len(text), least, most)
	}
	return text
}

func isUnfit(char rune) bool { return unicode.In(char, unicode.Cc, unicode.Zl, unicode.Zp) }

func (r *reader) textOrNull(field string) *string {
	if r.fields[field] == nil {
		return nil
	}
	text := r.text(field, 0, textBytes, false)
	return &text
}

func (r *reader) time(field string) int64 {
	value, given := r.value(field)
	text, _ := value.(string)
	if !given {
		return 0
	}
	if !timeText.MatchString(text) {
		r.problem(field, "it must be a time with its offset from UTC, such as 2026-02-03T04:00:00Z")
		return 0
	}
	instant, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		r.problem(field, "there is no such day or time of day")
	} else if instant.Nanosecond()%1_000_000 != 0 {
		r.problem(field, "it is finer than a millisecond")
	} else if instant.UnixMilli() < 0 {
		r.problem(field, "it is before 1970")
	}
	return instant.UnixMilli()
}

func (r *reader) quantity(field string) *big.Int {
	value, given := r.value(field)
	if !given {
		return nil
	}
	var text string
	switch written := value.(type) {
	case string:
		text = written
	case json.Number:
		text = written.String()
	}
	count, problem := parseQuantity(text)
	if problem != "" {
		r.problem(field, "%s", problem)
	}
	return count
}

// parseQuantity reads a decimal exactly, as a count of 10^-30.
func parseQuantity(text string) (*big.Int, string) {
	match := decimalText.FindStringSubmatch(text)
	if match == nil {
		return nil, "it must be a decimal, such as 1.5"
	}
	exponent, _ := strconv.Atoi(match[4]) // nothing, or at most four digits
	count, _ := new(big.Int).SetString(match[2]+match[3], 10)
	shift := int64(scale - len(match[3]) + exponent)
	if shift >= 0 {
		count.Mul(count, powerOfTen(shift))
	} else if _, rest := count.QuoRem(count, powerOfTen(-shift), new(big.Int)); rest.Sign() != 0 {
		return nil, "it has more than 30 decimal places"
	}
	if match[1] == "-" && count.Sign() != 0 {
		return nil, "it is below zero"
	}
	return count, ""
}

func powerOfTen(exponent int64) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(exponent), nil)
}

func (r *reader) checkPlace(usage Usage) {
	if !r.has("subscriptionId") || !r.has("resourceUri") {
		return
	}
	match := hasSubscription.FindStringSubmatch(usage.ResourceURI)
	if match == nil || asciiLower(match[1]) != asciiLower(usage.SubscriptionID) {
		r.problem("resourceUri", "it must begin with /subscriptions/ and the subscription of the usage")
	} else if !hasProvider.MatchString(usage.ResourceURI) {
		r.problem("resourceUri", "it must name its provider, such as /providers/Microsoft.Compute")
	}
}

func (r *reader) checkPeriod(usage Usage) {
	if !r.has("from") || !r.has("to") {
		return
	}
	if usage.Start >= usage.End {
		r.problem("to", "it must be after from")
	} else if (usage.End-1)/hourMillis-usage.Start/hourMillis+1 > mostHours {
		r.problem("to", "it is over %d hours after from: report it in parts", mostHours-1)
	}
}
