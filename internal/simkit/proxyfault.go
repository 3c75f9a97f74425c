package simkit

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
)

// Breakage is how a [Proxy] breaks a connection, a request or an answer.
type Breakage int

// The breakages. The zero Breakage breaks nothing.
const (
	Unbroken Breakage = iota

	// Of connections:

	RefuseDial   // nobody listens
	CutHandshake // reset before TLS is agreed on
	ResetUnused  // reset as soon as TLS is agreed on, whatever the client has sent by then

	// Of requests and their answers:

	CutUpload       // the service gets half of the body, and then both connections are reset
	ResetConnection // instead of an answer
	TruncateAnswer  // half of the answer goes out, and the connection ends
	HoldAnswer      // nothing goes out: it is the client that gives up
	HoldRequest     // the service gets the request only when the client has given up
	AnswerItself    // with Status, Header and Body
)

// ProxyFault is what becomes of one request. The zero ProxyFault passes it on, and its answer back.
type ProxyFault struct {
	How Breakage
	// After passes the request on before the fault strikes, so that the service does the work and its answer is
	// lost. Otherwise the service gets nothing, but for CutUpload and HoldRequest, and it is the proxy's own
	// answer that is truncated.
	After  bool
	Status int // of the proxy's own answer
	Header http.Header
	Body   string
}

// serve takes one request through its fault.
func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	if !p.requests.enter() {
		return
	}
	defer p.requests.leave()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client broke off
	}
	p.mu.Lock()
	decide := p.decide
	p.mu.Unlock()
	p.deliver(w, r, decide(r), body)
}

// deliver asks the service where the fault lets it, and answers.
func (p *Proxy) deliver(w http.ResponseWriter, r *http.Request, fault ProxyFault, body []byte) {
	own := Answer{Status: fault.Status, Header: fault.Header, Body: []byte(fault.Body)}
	answer := own
	if fault.How == Unbroken || fault.After {
		var err error
		if answer, err = p.pass(r, bytes.NewReader(body)); err != nil {
			p.cut(r) // as the service did
			return
		}
	}
	switch fault.How {
	case CutUpload:
		if half := body[:len(body)/2]; len(half) > 0 {
			_, _ = p.pass(r, io.MultiReader(bytes.NewReader(half), cutReader{}))
		}
		p.cut(r)
	case ResetConnection:
		p.cut(r)
	case HoldAnswer, HoldRequest:
		<-r.Context().Done()
		if fault.How == HoldRequest {
			_, _ = p.pass(r, bytes.NewReader(body))
		}
	case TruncateAnswer:
		send(w, answer, len(answer.Body)/2)
	case AnswerItself:
		send(w, own, len(own.Body))
	default:
		send(w, answer, len(answer.Body))
	}
}

// pass asks the service, also when the client has given up.
func (p *Proxy) pass(r *http.Request, body io.Reader) (Answer, error) {
	request := r.Clone(context.WithoutCancel(r.Context()))
	request.URL.Scheme, request.URL.Host, request.Host, request.RequestURI = p.upstream.Scheme, p.upstream.Host, "", ""
	request.Body = io.NopCloser(body)
	if r.ContentLength == 0 {
		request.Body = http.NoBody
	}
	resp, err := p.through.RoundTrip(request)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: data}, err
}

// cutReader is the rest of an upload that breaks off.
type cutReader struct{}

// Read fails.
func (cutReader) Read([]byte) (int, error) { return 0, errors.New("the upload is cut") }

// send announces the whole answer, and writes the first n bytes of its body.
func send(w http.ResponseWriter, answer Answer, n int) {
	maps.Copy(w.Header(), answer.Header)
	if answer.Status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(len(answer.Body)))
	}
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body[:n]) // the client may be gone
}

// cut resets the connection of a request under the feet of net/http.
func (p *Proxy) cut(r *http.Request) {
	conn, _ := r.Context().Value(connectionKey{}).(net.Conn)
	if secured, ok := conn.(*tls.Conn); ok {
		p.reset(secured.NetConn())
	}
}
