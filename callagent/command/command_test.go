package command_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hailpoint/callagent/command"
)

func TestDecode(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want command.Command
		code command.Code // empty: good
	}{
		"a command":           {`{"v":1,"id":"a","name":"call.dial","args":{"to":"x"}}`, command.Command{V: 1, ID: "a", Name: "call.dial", Args: json.RawMessage(`{"to":"x"}`)}, ""},
		"without args":        {`{"v":1,"id":"a","name":"call.answer"}`, command.Command{V: 1, ID: "a", Name: "call.answer"}, ""},
		"an unknown field":    {`{"v":1,"id":"a","name":"x","colour":"red"}`, command.Command{V: 1, ID: "a", Name: "x"}, ""},
		"nothing":             {``, command.Command{}, command.Malformed},
		"half a command":      {`{"v":1,"id":"a"`, command.Command{}, command.Malformed},
		"an array":            {`[]`, command.Command{}, command.Malformed},
		"another version":     {`{"v":2,"id":"a","name":"x"}`, command.Command{ID: "a"}, command.Malformed},
		"no id":               {`{"v":1,"name":"x"}`, command.Command{}, command.Malformed},
		"an endless id":       {`{"v":1,"id":"` + strings.Repeat("a", 200) + `","name":"x"}`, command.Command{}, command.Malformed},
		"no name":             {`{"v":1,"id":"a"}`, command.Command{ID: "a"}, command.Malformed},
		"an id that is none":  {`{"v":1,"id":7,"name":"x"}`, command.Command{}, command.Malformed},
		"more than is read":   {`{"v":1,"id":"a","name":"` + strings.Repeat("x", command.MaxBytes) + `"}`, command.Command{}, command.Malformed},
		"a name of the wrong": {`{"v":1,"id":"a","name":{}}`, command.Command{ID: "a"}, command.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := command.Decode([]byte(tt.text))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			e, ok := errors.AsType[*command.Error](err)
			if ok != (tt.code != "") || (ok && e.Code != tt.code) {
				t.Errorf("error %v, want code %q", err, tt.code)
			}
		})
	}
}

func TestBindIsStrict(t *testing.T) {
	var args struct {
		To string `json:"to"`
	}
	for text, good := range map[string]bool{`{"to":"x"}`: true, ``: true, `null`: true, `{}`: true, `{"too":"x"}`: false, `{"to":1}`: false, `[]`: false} {
		err := command.Command{Args: json.RawMessage(text)}.Bind(&args)
		if (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
		if e, ok := errors.AsType[*command.Error](err); err != nil && (!ok || e.Code != command.BadArgs) {
			t.Errorf("%s: %v is not bad_args", text, err)
		}
	}
}

func TestReplies(t *testing.T) {
	for name, tt := range map[string]struct {
		reply command.Reply
		want  string
	}{
		"done":              {command.OK("a", nil), `{"v":1,"id":"a","ok":true,"result":{}}`},
		"done with a value": {command.OK("a", map[string]int{"percent": 3}), `{"v":1,"id":"a","ok":true,"result":{"percent":3}}`},
		"not done":          {command.Fail("a", command.Errorf(command.NoSuchCall, "there is no call")), `{"v":1,"id":"a","ok":false,"error":{"code":"no_such_call","message":"there is no call"}}`},
		"another error":     {command.Fail("a", command.AsError(errors.New("boom"))), `{"v":1,"id":"a","ok":false,"error":{"code":"unavailable","message":"boom"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(tt.reply)
			if err != nil || string(got) != tt.want {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"v":1,"id":"a","name":"call.dial","args":{"to":"x"}}`))
	f.Add([]byte(`{"v":1,"id":"a"`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := command.Decode(text)
		if err != nil {
			if _, ok := errors.AsType[*command.Error](err); !ok {
				t.Errorf("%v is no *Error", err)
			}
			return
		}
		if c.ID == "" || c.Name == "" || len(c.ID) > 128 {
			t.Errorf("let through: %+v", c)
		}
		var args map[string]any
		_ = c.Bind(&args)
	})
}
