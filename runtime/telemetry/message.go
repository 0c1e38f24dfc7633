package telemetry

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// message is a message of OTLP in the making, as protobuf has it on the wire. Of
// spans there are several in each run: written so, one takes no memory of its own
// and a tenth of the time that it takes from OpenTelemetry's generated types,
// which hold the tests. Each method returns the message with one field more.
type message []byte

func (m message) text(field protowire.Number, value string) message {
	m = protowire.AppendTag(m, field, protowire.BytesType)
	return protowire.AppendString(m, valid(value))
}

func (m message) bytes(field protowire.Number, value []byte) message {
	m = protowire.AppendTag(m, field, protowire.BytesType)
	return protowire.AppendBytes(m, value)
}

func (m message) number(field protowire.Number, value uint64) message {
	m = protowire.AppendTag(m, field, protowire.VarintType)
	return protowire.AppendVarint(m, value)
}

func (m message) fixed(field protowire.Number, value uint64) message {
	m = protowire.AppendTag(m, field, protowire.Fixed64Type)
	return protowire.AppendFixed64(m, value)
}

func (m message) flags(field protowire.Number, value uint32) message {
	m = protowire.AppendTag(m, field, protowire.Fixed32Type)
	return protowire.AppendFixed32(m, value)
}

func (m message) time(field protowire.Number, t time.Time) message { return m.fixed(field, nanos(t)) }

// Fields of KeyValue and AnyValue.
const (
	keyField, valueField   = 1, 2
	stringField, intField  = 1, 3
	doubleField, boolField = 4, 2
	tagSize                = 1 // of these fields, and of all that are below 16
)

// attr adds an attribute, unless it says nothing.
func (m message) attr(field protowire.Number, key, value string) message {
	if value == "" {
		return m
	}
	value = valid(value)
	size := tagSize + protowire.SizeBytes(len(value))
	m = m.pair(field, key, size)
	m = protowire.AppendTag(m, stringField, protowire.BytesType)
	return protowire.AppendString(m, value)
}

func (m message) attrNumber(field protowire.Number, key string, value int64) message {
	m = m.pair(field, key, tagSize+protowire.SizeVarint(uint64(value)))
	return m.number(intField, uint64(value))
}

func (m message) attrFloat(field protowire.Number, key string, value float64) message {
	m = m.pair(field, key, tagSize+protowire.SizeFixed64())
	return m.fixed(doubleField, math.Float64bits(value))
}

func (m message) attrBool(field protowire.Number, key string, value bool) message {
	m = m.pair(field, key, tagSize+1)
	return m.number(boolField, protowire.EncodeBool(value))
}

// pair begins an attribute whose value takes size bytes, which follow.
func (m message) pair(field protowire.Number, key string, size int) message {
	key = valid(key)
	m = protowire.AppendTag(m, field, protowire.BytesType)
	m = protowire.AppendVarint(m, uint64(tagSize+protowire.SizeBytes(len(key))+tagSize+protowire.SizeBytes(size)))
	m = m.text(keyField, key)
	m = protowire.AppendTag(m, valueField, protowire.BytesType)
	return protowire.AppendVarint(m, uint64(size))
}

// valid is text that a receiver takes: of one that is not UTF-8 it would refuse all
// that comes with it.
func valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text, "�")
}

func nanos(t time.Time) uint64 { return uint64(t.UnixNano()) }
