package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Reference returns the table of all keys as Markdown, made from the structs,
// so that it cannot differ from what is read.
func Reference() string {
	var b strings.Builder
	b.WriteString("| Key | Default | Meaning |\n|---|---|---|\n")
	rows(&b, "", reflect.ValueOf(Default()))
	return b.String()
}

func rows(b *strings.Builder, prefix string, table reflect.Value) {
	for i := range table.NumField() {
		f, v := table.Type().Field(i), table.Field(i)
		key := join(prefix, f.Tag.Get("toml"))
		switch {
		case f.Type == reflect.TypeFor[[]Button]():
			rows(b, key, reflect.ValueOf(DefaultButton()))
		case f.Type == reflect.TypeFor[[]LED]():
			rows(b, key, reflect.ValueOf(DefaultLED()))
		case f.Type == reflect.TypeFor[[]ICEServer]():
			rows(b, key, reflect.ValueOf(ICEServer{}))
		case f.Type.Kind() == reflect.Struct:
			rows(b, key, v)
		default:
			fmt.Fprintf(b, "| `%s` | `%s` | %s |\n", key, TOML(v.Interface()), strings.ReplaceAll(f.Tag.Get("doc"), "|", `\|`))
		}
	}
}

// TOML writes a value of a Config as a file would.
func TOML(v any) string {
	switch v := v.(type) {
	case time.Duration:
		return `"` + short(v) + `"`
	case Delay:
		if v == Off {
			return `"off"`
		}
		return `"` + short(time.Duration(v)) + `"`
	case List:
		if len(v) == 1 {
			return fmt.Sprintf("%q", v[0])
		}
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = fmt.Sprintf("%q", s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case map[string]string:
		return "{}"
	}
	r := reflect.ValueOf(v)
	if r.Kind() == reflect.String {
		return fmt.Sprintf("%q", r.String())
	}
	return fmt.Sprint(v)
}

// short writes a duration without the zeros at its end: 20s, not 0m20s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
