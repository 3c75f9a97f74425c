package simkit

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// connectionKey finds the connection of a request in its context.
type connectionKey struct{}

func rememberConnection(ctx context.Context, conn net.Conn) context.Context {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	return context.WithValue(ctx, connectionKey{}, conn)
}

// deliver sends an answer the way the rule wants it, or whole under the zero Rule.
func (s *Server) deliver(w http.ResponseWriter, r *http.Request, entry *record, rule Rule, answer Answer) {
	if rule.Drop || rule.Reset || (rule.Truncate && len(answer.Body) == 0) {
		s.audit.answered(entry, 0)
		cut(r, rule.Reset)
		return
	}
	header := w.Header()
	for name, values := range answer.Header {
		header[name] = values
	}
	s.audit.answered(entry, answer.Status)
	switch {
	case rule.EndlessBody:
		w.WriteHeader(answer.Status)
		s.pour(w, r)
		return
	case answer.Status == http.StatusNoContent || answer.Status == http.StatusNotModified:
		w.WriteHeader(answer.Status)
		return
	}
	header.Set("Content-Length", strconv.Itoa(len(answer.Body)))
	w.WriteHeader(answer.Status)
	body := answer.Body
	if rule.Truncate {
		// net/http closes a connection (HTTP/2: resets a stream) on which less came than was announced.
		body = body[:len(body)/2]
	}
	_, _ = w.Write(body) // the client may be gone; the audit says what was meant for it
}

// cut closes the connection of a request under the feet of net/http, which then finds nobody to answer.
func cut(r *http.Request, reset bool) {
	conn, ok := r.Context().Value(connectionKey{}).(*trackedConn)
	switch {
	case !ok:
	case reset:
		conn.reset()
	default:
		_ = conn.Close()
	}
}

// pour writes a JSON string without end, until the client or the server has had enough.
func (s *Server) pour(w http.ResponseWriter, r *http.Request) {
	flush := http.NewResponseController(w)
	chunk := []byte(`{"padding":"`)
	for r.Context().Err() == nil && s.stopping.Err() == nil {
		if _, err := w.Write(chunk); err != nil {
			return
		}
		if err := flush.Flush(); err != nil {
			return
		}
		chunk = endless
	}
}

var endless = []byte(strings.Repeat("x", 8<<10))
