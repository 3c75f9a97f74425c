package checkpoints

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/transport"
)

const (
	tokenHeader   = "X-Auth-Token"
	subjectHeader = "X-Subject-Token"
)

// The identity service has a contract of its own, and only these operations of it matter here. A sign-in counts
// against the lock of an account, so it is sent again only if the service, or the gateway before it, has said that
// it was throttled.
var (
	createToken = api.Operation{
		Name: "Sessions.SignIn", Method: "POST", Path: "/v3/auth/tokens", Class: api.Once, Anonymous: true,
		Refusals: []string{"IAM.0012", "APIGW.0308", "APIG.0308"},
	}
	revokeToken = api.Operation{
		Name: "Sessions.End", Method: "DELETE", Path: "/v3/auth/tokens", Class: api.Replaceable,
	}
)

// keystone is the identity service of the cloud.
type keystone struct{ transport *transport.Client }

// issued is a token that the identity service has made.
type issued struct {
	token drkit.Secret
	says  tokenMessage
}

// authMessage is the body of a sign-in.
type authMessage struct {
	Auth struct {
		Identity proof         `json:"identity"`
		Scope    *scopeMessage `json:"scope,omitempty"`
	} `json:"auth"`
}

// proof is how somebody proves who they are.
type proof struct {
	Methods  []string    `json:"methods"`
	Password *userProof  `json:"password,omitempty"`
	TOTP     *userProof  `json:"totp,omitempty"`
	Token    *tokenProof `json:"token,omitempty"`
	Role     *roleProof  `json:"assume_role,omitempty"`
}

type userProof struct {
	User userMessage `json:"user"`
}

type userMessage struct {
	ID       string  `json:"id,omitempty"`
	Name     string  `json:"name,omitempty"`
	Domain   *Domain `json:"domain,omitempty"`
	Password string  `json:"password,omitempty"`
	Passcode string  `json:"passcode,omitempty"`
}

type tokenProof struct {
	ID string `json:"id"`
}

type roleProof struct {
	DomainID   string `json:"domain_id,omitempty"`
	DomainName string `json:"domain_name,omitempty"`
	Agency     string `json:"xrole_name"`
}

type scopeMessage struct {
	Project projectMessage `json:"project"`
}

type projectMessage struct {
	ID     string  `json:"id,omitempty"`
	Name   string  `json:"name,omitempty"`
	Domain *Domain `json:"domain,omitempty"`
}

// tokenMessage is what the identity service says of a token.
type tokenMessage struct {
	IssuedAt  string   `json:"issued_at"`
	ExpiresAt string   `json:"expires_at"`
	Methods   []string `json:"methods"`
	User      struct {
		ID     string `json:"id"`
		Name   string `json:"name"`
		Domain Domain `json:"domain"`
	} `json:"user"`
	Project struct {
		ID     string `json:"id"`
		Name   string `json:"name"`
		Domain Domain `json:"domain"`
	} `json:"project"`
	Roles []struct {
		Name string `json:"name"`
	} `json:"roles"`
	Catalog []catalogService `json:"catalog"`
}

// tokenQuery leaves out the catalogue, which is large.
type tokenQuery struct {
	NoCatalog string `url:"nocatalog,omitempty"`
}

// createToken signs in, under a token that the proof may need.
func (k *keystone) createToken(ctx context.Context, proof proof, project Project, under drkit.Secret, catalog bool) (issued, error) {
	var body authMessage
	body.Auth.Identity = proof
	if project.named() {
		body.Auth.Scope = &scopeMessage{project.message()}
	}
	query := tokenQuery{NoCatalog: "1"}
	if catalog {
		query = tokenQuery{}
	}
	var said struct {
		Token tokenMessage `json:"token"`
	}
	answer, err := k.transport.Do(ctx, transport.Call{Operation: &createToken, Body: body, Query: query, Token: under}, &said)
	if err != nil {
		return issued{}, err
	}
	token := answer.Header(subjectHeader)
	if token == "" {
		return issued{}, errors.New("the answer to the sign-in has no " + subjectHeader + " header")
	}
	return issued{token: drkit.NewSecret(token), says: said.Token}, nil
}

// revoke makes a token worthless.
func (k *keystone) revoke(ctx context.Context, token drkit.Secret) error {
	_, err := k.transport.Do(ctx, transport.Call{
		Operation: &revokeToken, Token: token, Session: true, Header: map[string]string{subjectHeader: token.Reveal()},
	}, nil)
	return err
}

func (p Project) message() projectMessage {
	if p.ID != "" {
		return projectMessage{ID: p.ID}
	}
	return projectMessage{Name: p.Name, Domain: p.Domain.message()}
}

// life returns how long the token is good for by the service's own clock, from the moment that it was made; 0 if
// it does not say, or never ends.
func (t tokenMessage) life() time.Duration {
	issued, expires := readTime(t.IssuedAt), readTime(t.ExpiresAt)
	if issued.IsZero() || expires.IsZero() {
		return 0
	}
	return max(0, expires.Sub(issued))
}

// readTime reads a time of the identity service; without a zone it is UTC. What cannot be read is the zero time.
func readTime(text string) time.Time {
	text = strings.TrimSpace(text)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
