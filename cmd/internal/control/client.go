package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"time"

	"hailpoint/callagent"
	"hailpoint/callagent/command"
)

// Client speaks to a terminal through its socket. It is safe for concurrent
// use.
type Client struct {
	file string
	http http.Client
}

// NewClient returns a client of the socket file. Nothing is opened yet.
func NewClient(file string) *Client {
	c := &Client{file: file}
	c.http.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", file)
	}}
	return c
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status asks how the terminal is.
func (c *Client) Status(ctx context.Context) (callagent.Report, error) {
	var r callagent.Report
	return r, c.do(ctx, http.MethodGet, "/v1/status", nil, &r)
}

// Lamps asks which lamps are lit.
func (c *Client) Lamps(ctx context.Context) (map[string]bool, error) {
	var lamps map[string]bool
	return lamps, c.do(ctx, http.MethodGet, "/v1/leds", nil, &lamps)
}

// Press presses a button.
func (c *Client) Press(ctx context.Context, name string, hold time.Duration) error {
	return c.do(ctx, http.MethodPost, "/v1/buttons/"+url.PathEscape(name)+"/press",
		map[string]int64{"hold_ms": hold.Milliseconds()}, nil)
}

// Reconnect lets a terminal whose address was taken over try again.
func (c *Client) Reconnect(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "/v1/reconnect", struct{}{}, nil)
}

// Command carries out a command. A reply that is not ok is no error.
func (c *Client) Command(ctx context.Context, cmd command.Command) (command.Reply, error) {
	body, err := json.Marshal(cmd)
	if err != nil {
		return command.Reply{}, fmt.Errorf("encode command %s: %w", cmd.Name, err)
	}
	resp, err := c.send(ctx, http.MethodPost, "/v1/commands", body)
	if err != nil {
		return command.Reply{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	var r command.Reply
	if err := json.NewDecoder(resp.Body).Decode(&r); err != nil {
		return r, fmt.Errorf("read the reply to %s: %w", cmd.Name, err)
	}
	return r, nil
}

// Events calls each for the latest event records, and with follow for each new
// one until ctx ends.
func (c *Client) Events(ctx context.Context, follow bool, each func(record []byte) error) error {
	path := "/v1/events"
	if follow {
		path += "?follow=1"
	}
	resp, err := c.send(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := each(lines.Bytes()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("read events: %w", err)
	}
	return nil
}

func (c *Client) send(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://hailpoint"+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask the terminal: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.explain(err)
	}
	return resp, nil
}

// explain words why the terminal could not be asked.
func (c *Client) explain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // and not the URL, which nobody typed
	}
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		err = call.Err
	}
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no terminal answers at %s (%w): is it running? systemctl status hailpoint (or name its socket with --socket)", c.file, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("this user may not use %s (%w): be root or a member of group %s", c.file, err, Group)
	}
	return fmt.Errorf("ask the terminal at %s: %w", c.file, err)
}

func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
	}
	resp, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read the terminal's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		var fail struct {
			Error *command.Error `json:"error"`
		}
		if json.Unmarshal(text, &fail) == nil && fail.Error != nil {
			return fail.Error
		}
		return fmt.Errorf("the terminal answers %s", resp.Status)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("read the terminal's answer: %w", err)
	}
	return nil
}
