package simkit

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
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
	body, length := answer.body()
	if rule.silent() || (rule.Truncate && length == 0) {
		s.audit.answered(entry, 0)
		strike(r, rule, length)
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
		s.pour(w, r, strings.Contains(header.Get("Content-Type"), "xml"))
		return
	case answer.Status == http.StatusNoContent || answer.Status == http.StatusNotModified:
		length = 0
	default:
		header.Set("Content-Length", strconv.FormatInt(length, 10))
	}
	w.WriteHeader(answer.Status)
	s.send(w, r, entry, rule, body, length)
}

// send writes a body up to where the rule strikes, and the rest if it does not break it off.
func (s *Server) send(w http.ResponseWriter, r *http.Request, entry *record, rule Rule, body io.Reader, length int64) {
	first := length
	switch {
	case rule.AfterBytes > 0:
		first = min(rule.AfterBytes, length)
	case rule.Truncate:
		first = length / 2
	}
	if !s.copyBody(w, entry, body, first) || rule.AfterBytes == 0 {
		return
	}
	if http.NewResponseController(w).Flush() != nil || s.config.Clock.Sleep(r.Context(), rule.Delay) != nil {
		return
	}
	s.do(entry, rule)
	if rule.breaks() {
		strike(r, rule, length)
		return
	}
	s.copyBody(w, entry, body, length-first)
}

// copyBody writes n bytes of a body, and reports whether the client has taken them. The client may be gone,
// and the audit says what was meant for it; but a stream that ends too early is a fault of the simulator,
// which clients would take for one of the connection.
func (s *Server) copyBody(w io.Writer, entry *record, body io.Reader, n int64) bool {
	_, err := io.CopyN(w, body, n)
	if errors.Is(err, io.EOF) {
		s.audit.violate(entry, []string{"the simulator failed: the stream is shorter than its Length"})
	}
	return err == nil
}

// strike does to a connection what the rule wants. A truncated body needs nothing unless it is empty: net/http
// closes a connection (HTTP/2: resets a stream) on which less came than was announced.
func strike(r *http.Request, rule Rule, length int64) {
	switch {
	case rule.Hang:
		<-r.Context().Done()
	case rule.Drop, rule.Reset, length == 0:
		cut(r, rule.Reset)
	}
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

// pour writes a JSON string or an XML element without end, until the client or the server has had enough.
func (s *Server) pour(w http.ResponseWriter, r *http.Request, xml bool) {
	flush := http.NewResponseController(w)
	chunk := []byte(`{"padding":"`)
	if xml {
		chunk = []byte(`<padding>`)
	}
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
