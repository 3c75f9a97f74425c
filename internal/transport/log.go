package transport

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
)

const hidden = "[redacted]"

// logAttempt writes a Debug record of the attempt that has just ended.
func (x *exchange) logAttempt(ctx context.Context) {
	logger := x.client.settings.Logger
	if !logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := append(x.attrs(), slog.Int("attempt", x.attempt), slog.Duration("took", time.Since(x.began)))
	if x.status != 0 {
		attrs = append(attrs, slog.Int("status", x.status))
		for _, name := range []string{"Content-Type", "Retry-After"} {
			if value := x.header.Get(name); value != "" {
				attrs = append(attrs, slog.String(strings.ToLower(name), x.client.scrub(value)))
			}
		}
	}
	if x.err != nil {
		attrs = append(attrs, slog.String("error", x.err.Error()))
	}
	logger.LogAttrs(ctx, slog.LevelDebug, "attempt", attrs...)
}

// logRetry writes a Warn record when the pause after a failed attempt is over.
func (x *exchange) logRetry(ctx context.Context) {
	attrs := append(x.attrs(), slog.Int("attempt", x.attempt+1), slog.Duration("after", time.Since(x.began)))
	if x.status != 0 {
		attrs = append(attrs, slog.Int("status", x.status))
	}
	if err := x.lastError(); err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	x.client.settings.Logger.LogAttrs(ctx, slog.LevelWarn, "sending again", attrs...)
}

// logRenewal writes a Warn record of a sign-in that has failed while the session is still good.
func (c *Client) logRenewal(ctx context.Context, err error) {
	c.settings.Logger.LogAttrs(ctx, slog.LevelWarn, "session not renewed yet", slog.String("error", err.Error()))
}

// logEnd writes the one Info record of the life of an operation that must not repeat.
func (x *exchange) logEnd(ctx context.Context, answer Answer, err error) {
	logger := x.client.settings.Logger
	if x.operation.Class != api.Once || x.operation.Anonymous || !logger.Enabled(ctx, slog.LevelInfo) {
		return
	}
	attrs := append(x.attrs(), slog.Int("attempts", x.attempt), slog.String("outcome", x.word(answer, err)))
	if x.note != nil {
		attrs = append(attrs, slog.String("resource", x.call.Work.Resource), slog.Int("noted", len(x.note.Jobs)))
	}
	if x.status != 0 {
		attrs = append(attrs, slog.Int("status", x.status))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	logger.LogAttrs(ctx, slog.LevelInfo, "operation", attrs...)
}

// word says in one word what became of an operation that must not repeat.
func (x *exchange) word(answer Answer, err error) string {
	switch {
	case answer.Adopted:
		return "adopted"
	case answer.Poller != nil:
		return "resumed"
	case err == nil:
		return "accepted"
	case x.attempt == 0: // also where it is an earlier one whose outcome is unknown
		return "not sent"
	case errors.Is(err, drkit.ErrOutcomeUnknown):
		return "unknown"
	case x.status == 0:
		return "not sent"
	default:
		return "refused"
	}
}

func (x *exchange) attrs() []slog.Attr {
	attrs := make([]slog.Attr, 0, 12)
	attrs = append(attrs,
		slog.String("operation", x.name()),
		slog.String("operation_id", x.id),
		slog.String("method", x.operation.Method),
		slog.String("path", x.client.scrub(x.path)))
	if query := x.client.visibleQuery(x.query); query != "" {
		attrs = append(attrs, slog.String("query", query))
	}
	return attrs
}

// visibleQuery shows the values of the parameters that are known to hold no secret.
func (c *Client) visibleQuery(raw string) string {
	values, err := url.ParseQuery(raw)
	if err != nil || len(values) == 0 {
		return ""
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	var shown strings.Builder
	for i, name := range names {
		if i > 0 {
			shown.WriteByte('&')
		}
		value := hidden
		if c.logQuery[name] {
			value = strings.Join(values[name], ",")
		}
		shown.WriteString(name + "=" + value)
	}
	return shown.String()
}
