package config

import (
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"os"
	"os/user"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// MaxBytes is the size of the largest file that is read.
const MaxBytes = 1 << 20

// Load reads a file. The error joins every ProblemError found, in the order of their
// lines; there is none in it where the file cannot be read.
func Load(file string) (Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Config{}, fmt.Errorf("read the configuration: %w%s", err, readHint(file, err))
	}
	return Parse(file, text)
}

// readHint says what to try about a file that cannot be read, or nothing.
func readHint(file string, err error) string {
	switch {
	case errors.Is(err, syscall.EISDIR):
		return " (name the file in it)"
	case errors.Is(err, os.ErrPermission):
		return " (" + readers(file) + " may read it: use sudo)"
	}
	return ""
}

// readers says who may read a file.
func readers(file string) string {
	info, err := os.Stat(file)
	if err != nil {
		return "only root"
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "only root"
	}
	names := []string{"root"}
	if stat.Uid != 0 {
		id := strconv.FormatUint(uint64(stat.Uid), 10)
		if u, err := user.LookupId(id); err == nil {
			id = u.Username
		}
		names = append(names, id)
	}
	if info.Mode()&0o040 != 0 {
		id := strconv.FormatUint(uint64(stat.Gid), 10)
		if g, err := user.LookupGroupId(id); err == nil {
			id = g.Name
		}
		names = append(names, "group "+id)
	}
	return "only " + strings.Join(names, " and ")
}

// Parse reads the text of a file; name is for the errors.
func Parse(name string, text []byte) (Config, error) {
	cfg := Default()
	if len(text) > MaxBytes {
		return cfg, ProblemError{File: name, Text: fmt.Sprintf("%d bytes, at most %d are allowed", len(text), MaxBytes)}
	}
	var tree map[string]any
	if err := toml.Unmarshal(text, &tree); err != nil {
		if e, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, _ := e.Position()
			return cfg, ProblemError{File: name, Line: line, Key: strings.Join(e.Key(), "."), Text: plain(e)}
		}
		return cfg, ProblemError{File: name, Text: err.Error()}
	}
	b := binder{file: name, lines: lines(text)}
	b.table("", tree, reflect.ValueOf(&cfg).Elem())
	for _, p := range cfg.problems() {
		if !b.wrong[p.Key] {
			b.add(p.Key, "%s", p.Text)
		}
	}
	slices.SortStableFunc(b.problems, func(x, y ProblemError) int { return cmp.Compare(x.Line, y.Line) })
	errs := make([]error, len(b.problems))
	for i, p := range b.problems {
		errs[i] = p
	}
	return cfg, errors.Join(errs...)
}

// plain words the library's error for those who know no TOML.
func plain(err error) string {
	text := strings.TrimPrefix(err.Error(), "toml: ")
	switch text {
	case "basic strings cannot have new lines", "unterminated basic string":
		return `the closing " is missing`
	case "literal strings cannot have new lines", "unterminated literal string":
		return "the closing ' is missing"
	}
	return text
}

// lines gives the line of each key of a file, by dotted path; elements of an
// array of tables are numbered from 0: button[0].name.
func lines(text []byte) map[string]int {
	at := map[string]int{}
	counts := map[string]int{}
	var p unstable.Parser
	p.Reset(text)
	prefix := ""
	note := func(path string, n *unstable.Node) {
		if _, known := at[path]; !known {
			for it := n.Key(); it.Next(); {
				at[path] = p.Shape(p.Range(it.Node().Data)).Start.Line
				break
			}
		}
	}
	for p.NextExpression() {
		n := p.Expression()
		switch n.Kind {
		case unstable.Table:
			prefix = indexed(counts, key(n))
			note(prefix, n)
		case unstable.ArrayTable:
			path := key(n)
			counts[path]++
			prefix = fmt.Sprintf("%s[%d]", path, counts[path]-1)
			note(path, n)
			note(prefix, n)
		case unstable.KeyValue:
			note(join(prefix, key(n)), n)
		default:
		}
	}
	return at
}

// indexed gives a table below an array of tables the index of its last element.
func indexed(counts map[string]int, path string) string {
	for array, n := range counts {
		if rest, ok := strings.CutPrefix(path, array+"."); ok {
			return fmt.Sprintf("%s[%d].%s", array, n-1, rest)
		}
	}
	return path
}

func key(n *unstable.Node) string {
	var parts []string
	for it := n.Key(); it.Next(); {
		parts = append(parts, string(it.Node().Data))
	}
	return strings.Join(parts, ".")
}

func join(prefix, key string) string {
	if prefix == "" {
		return key
	}
	return prefix + "." + key
}

// binder moves a parsed tree into a struct and notes everything that does not
// fit.
type binder struct {
	file     string
	lines    map[string]int
	problems []ProblemError
	wrong    map[string]bool
}

func (b *binder) add(path, format string, args ...any) {
	if b.wrong == nil {
		b.wrong = map[string]bool{}
	}
	b.wrong[path] = true
	b.problems = append(b.problems, ProblemError{b.file, b.line(path), path, fmt.Sprintf(format, args...)})
}

// line is that of the key, or of the nearest table around it.
func (b *binder) line(path string) int {
	for path != "" {
		if n := b.lines[path]; n > 0 {
			return n
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			break
		}
		path = path[:i]
	}
	return 0
}

func (b *binder) table(path string, tree map[string]any, into reflect.Value) {
	fields := map[string]reflect.Value{}
	var known []string
	for i := range into.NumField() {
		name := into.Type().Field(i).Tag.Get("toml")
		fields[name] = into.Field(i)
		known = append(known, name)
	}
	keys := make([]string, 0, len(tree))
	for k := range tree {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		f, ok := fields[k]
		if !ok {
			b.add(join(path, k), "unknown key; %s", suggest(k, known))
			continue
		}
		b.value(join(path, k), tree[k], f)
	}
}

// suggest names the known key that k may be meant for, or all of them.
func suggest(k string, known []string) string {
	best, distance := "", 3
	for _, name := range known {
		if d := levenshtein(k, name); d < distance {
			best, distance = name, d
		}
	}
	if best != "" {
		return fmt.Sprintf("is %q meant? else remove it", best)
	}
	return "remove it, or use one of: " + strings.Join(known, ", ")
}

// levenshtein counts the letters to change, add or remove between a and b.
func levenshtein(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost++
			}
			last = row[j+1]
			row[j+1] = min(cost, row[j]+1, last+1)
		}
	}
	return row[len(b)]
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	listType     = reflect.TypeFor[List]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func (b *binder) value(path string, v any, into reflect.Value) {
	switch {
	case into.Type() == durationType:
		b.duration(path, v, into)
		return
	case into.Type() == listType:
		b.list(path, v, into)
		return
	case into.Addr().Type().Implements(textType):
		s, ok := v.(string)
		if !ok {
			b.add(path, "is %s; write a text in quotes", kind(v))
			return
		}
		if err := into.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s)); err != nil {
			b.add(path, "%q: %v", s, err)
		}
		return
	}
	switch into.Kind() {
	case reflect.String:
		if s, ok := v.(string); ok {
			into.SetString(s)
			return
		}
		b.add(path, "is %s; write a text in quotes", kind(v))
	case reflect.Bool:
		if t, ok := v.(bool); ok {
			into.SetBool(t)
			return
		}
		b.add(path, "is %s; write true or false", kind(v))
	case reflect.Int:
		if n, ok := v.(int64); ok && int64(int(n)) == n {
			into.SetInt(n)
			return
		}
		b.add(path, "is %s; write a whole number", kind(v))
	case reflect.Map:
		b.words(path, v, into)
	case reflect.Struct:
		if t, ok := v.(map[string]any); ok {
			b.table(path, t, into)
			return
		}
		b.add(path, "is %s; write a [%s] table", kind(v), path)
	case reflect.Slice:
		b.tables(path, v, into)
	default:
		b.add(path, "cannot be set") // a bug in Config
	}
}

func (b *binder) duration(path string, v any, into reflect.Value) {
	s, ok := v.(string)
	if !ok {
		b.add(path, "is %s; write a duration in quotes, such as \"20s\" or \"250ms\"", kind(v))
		return
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		b.add(path, "%q is no duration; write one such as \"20s\" or \"250ms\"", s)
		return
	}
	into.SetInt(int64(d))
}

func (b *binder) list(path string, v any, into reflect.Value) {
	switch v := v.(type) {
	case string:
		into.Set(reflect.ValueOf(List{v}))
		return
	case []any:
		list := List{}
		for i, e := range v {
			s, ok := e.(string)
			if !ok {
				b.add(fmt.Sprintf("%s[%d]", path, i), "is %s; write a text in quotes", kind(e))
				continue
			}
			list = append(list, s)
		}
		into.Set(reflect.ValueOf(list))
		return
	}
	b.add(path, "is %s; write a text in quotes, or a list of them", kind(v))
}

func (b *binder) words(path string, v any, into reflect.Value) {
	t, ok := v.(map[string]any)
	if !ok {
		b.add(path, "is %s; write a [%s] table", kind(v), path)
		return
	}
	words := map[string]string{}
	for k, e := range t {
		s, ok := e.(string)
		if !ok {
			b.add(join(path, k), "is %s; write a text in quotes", kind(e))
			continue
		}
		words[k] = s
	}
	into.Set(reflect.ValueOf(words))
}

// tables reads an array of tables; each begins with its own defaults.
func (b *binder) tables(path string, v any, into reflect.Value) {
	array, ok := v.([]any)
	if !ok {
		b.add(path, "is %s; write [[%s]]", kind(v), path)
		return
	}
	elem := into.Type().Elem()
	list := reflect.MakeSlice(into.Type(), 0, len(array))
	for i, e := range array {
		at := path + "[" + strconv.Itoa(i) + "]"
		t, ok := e.(map[string]any)
		if !ok {
			b.add(at, "is %s; write [[%s]]", kind(e), path)
			continue
		}
		one := reflect.New(elem).Elem()
		switch d := one.Addr().Interface().(type) {
		case *Button:
			*d = DefaultButton()
		case *LED:
			*d = DefaultLED()
		}
		b.table(at, t, one)
		list = reflect.Append(list, one)
	}
	into.Set(list)
}

// kind says what a value is, for people.
func kind(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("the text %q", v)
	case int64:
		return fmt.Sprintf("the number %d", v)
	case float64:
		return fmt.Sprintf("the number %v", v)
	case bool:
		return fmt.Sprintf("%v", v)
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return fmt.Sprintf("a %T", v)
}
