// Package console is the web page of the fleet service: HTML, style and
// JavaScript modules of our own, inside the program.
//
// # Why
//
// The modules are served as they are written. There is no build step, no
// package manager and no foreign code, so the page works without an internet
// connection, what runs in the browser is what a reader of this tree reads, and
// the strictest content security policy holds. The price is that every browser
// that is served must know ECMAScript 2022 and WebRTC: Chromium 94, Firefox 93,
// Safari 16 or later.
package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed index.html login.html assets
var files embed.FS

// policy lets the page load what this service serves, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"media-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Secure adds the headers that tell a browser to trust nothing but this
// service, and to give the microphone to this page alone.
func Secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Permissions-Policy", "microphone=(self), camera=(), geolocation=()")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// Index writes the console's page.
func Index(w http.ResponseWriter) { page(w, http.StatusOK, "index.html", nil) }

// Login writes the login page with this status; message says why the last
// attempt failed, or is empty; recovery is the command that makes a new
// password.
func Login(w http.ResponseWriter, status int, message, recovery string) {
	page(w, status, "login.html", struct{ Message, Recovery string }{message, recovery})
}

var pages = sync.OnceValues(func() (*template.Template, error) {
	return template.ParseFS(files, "index.html", "login.html")
})

func page(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	t, err := pages()
	if err == nil {
		err = t.ExecuteTemplate(&b, name, data)
	}
	if err != nil { // the files are in the program: only a bug leads here
		http.Error(w, fmt.Sprintf("render %s: %v", name, err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // an error means that the browser is gone
}

// Assets serves the style, scripts and pictures below /assets/. A browser asks
// each time whether its copy is still good, and a new version of the program is
// seen at once.
func Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		b, err := fs.ReadFile(files, name)
		if err != nil || !strings.HasPrefix(name, "assets/") {
			http.NotFound(w, r)
			return
		}
		sum := sha256.Sum256(b)
		tag := `"` + hex.EncodeToString(sum[:16]) + `"`
		w.Header().Set("ETag", tag)
		w.Header().Set("Cache-Control", "no-cache")
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", contentType(name))
		_, _ = w.Write(b) //nolint:gosec // a file of the program; an error means that the browser is gone
	})
}

// contentType does not ask the system's tables for what the page depends on:
// they differ, and a module of the wrong type does not run.
func contentType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return mime.TypeByExtension(ext)
	}
}
