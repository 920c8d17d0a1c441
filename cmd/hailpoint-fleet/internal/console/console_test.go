package console_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hailpoint/cmd/hailpoint-fleet/internal/console"
)

// TestScripts runs the tests of the page's modules, which need no browser.
func TestScripts(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed; the browser test covers the page as a whole")
	}
	// Node takes a .js file for a module only if a package.json says so.
	dir := t.TempDir()
	for _, name := range []string{"assets", "testdata"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"type":"module"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	tests, err := filepath.Glob(filepath.Join(dir, "testdata", "*_test.js"))
	if err != nil || len(tests) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), node, append([]string{"--test", "--test-reporter=spec"}, tests...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func get(t *testing.T, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	console.Secure(console.Assets()).ServeHTTP(w, r)
	return w
}

func TestAssetsAreServedWithTheirTypesAndTags(t *testing.T) {
	for path, want := range map[string]string{
		"/assets/main.js": "text/javascript; charset=utf-8", "/assets/base.css": "text/css; charset=utf-8", "/assets/icon.svg": "image/svg+xml",
	} {
		w := get(t, path)
		if got := w.Header().Get("Content-Type"); w.Code != http.StatusOK || got != want {
			t.Errorf("%s: %d, %s, want %s", path, w.Code, got, want)
		}
		if again := get(t, path, "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified {
			t.Errorf("%s again: %d, want 304", path, again.Code)
		}
	}
	for _, path := range []string{"/assets/", "/assets/none.js", "/assets/../index.html", "/index.html"} {
		if w := get(t, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, w.Code)
		}
	}
}

func TestPagesObeyTheirOwnPolicy(t *testing.T) {
	policy := get(t, "/assets/main.js").Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("policy %q lacks %q", policy, want)
		}
	}
	inline := regexp.MustCompile(`<script>|<style|\sstyle=|\son[a-z]+=|https?://`)
	for name, write := range map[string]func(http.ResponseWriter){
		"index": console.Index,
		"login": func(w http.ResponseWriter) { console.Login(w, http.StatusUnauthorized, "<b>no</b>", "<b>no</b>") },
	} {
		w := httptest.NewRecorder()
		write(w)
		if found := inline.FindString(w.Body.String()); found != "" {
			t.Errorf("%s holds %q, which the policy forbids", name, found)
		}
		if strings.Contains(w.Body.String(), "<b>no</b>") {
			t.Errorf("%s does not escape its message", name)
		}
	}
}

// TestModulesAreWhole: each module that is imported exists, and none comes from
// elsewhere.
func TestModulesAreWhole(t *testing.T) {
	imports := regexp.MustCompile(`(?m)^(?:import|export) .*from "([^"]+)"`)
	err := fs.WalkDir(os.DirFS("assets"), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".js" {
			return err
		}
		text, err := os.ReadFile(filepath.Join("assets", name))
		if err != nil {
			return err
		}
		for _, m := range imports.FindAllStringSubmatch(string(text), -1) {
			if w := get(t, "/assets/"+strings.TrimPrefix(m[1], "./")); !strings.HasPrefix(m[1], "./") || w.Code != http.StatusOK {
				t.Errorf("%s imports %s: %d", name, m[1], w.Code)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
