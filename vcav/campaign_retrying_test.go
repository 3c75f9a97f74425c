package vcav_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// retryer is a client as many are written: plain requests through go-retryablehttp with its own policy, but
// for shorter waits and no log. It signs in anew when it is told to, which is safe.
type retryer struct {
	http     *retryablehttp.Client
	campaign *campaign

	mu    sync.Mutex
	token string
}

func retrying(_ *testing.T, c *campaign) caller {
	r := &retryer{http: retryablehttp.NewClient(), campaign: c}
	r.http.Logger = nil
	r.http.HTTPClient.Transport = c.transport
	r.http.RetryWaitMin, r.http.RetryWaitMax = 10*time.Millisecond, 50*time.Millisecond
	return func(ctx context.Context, id string) fate {
		if r.start(ctx, id) != nil {
			return fateFailed
		}
		return fateDone
	}
}

// start sends the operation and waits for its task.
func (r *retryer) start(ctx context.Context, id string) error {
	body := map[string][]byte{"failover": []byte(`{"type":"vcloud","powerOn":true}`)}[r.campaign.operation]
	var task struct{ ID, State string }
	if err := r.do(ctx, http.MethodPost, "/vm-replications/"+id+"/"+r.campaign.operation, body, &task); err != nil {
		return err
	}
	for task.State != "SUCCEEDED" {
		if task.State == "FAILED" {
			return fmt.Errorf("task %s failed", task.ID)
		}
		if err := r.do(ctx, http.MethodGet, "/tasks/"+task.ID, nil, &task); err != nil {
			return err
		}
	}
	return nil
}

// do asks the appliance, a second time with another session if this one has ended.
func (r *retryer) do(ctx context.Context, method, path string, body []byte, out any) error {
	for again := false; ; again = true {
		token, err := r.signIn(ctx)
		if err != nil {
			return err
		}
		status, err := r.send(ctx, method, path, token, body, out)
		if status != http.StatusUnauthorized || again {
			return err
		}
		r.mu.Lock()
		if r.token == token {
			r.token = ""
		}
		r.mu.Unlock()
	}
}

// signIn returns the token of the session, and begins one if there is none.
func (r *retryer) signIn(ctx context.Context) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.token != "" {
		return r.token, nil
	}
	credentials, err := json.Marshal(map[string]string{
		"type": "localUser", "localUser": r.campaign.server.User, "localPassword": r.campaign.server.Password,
	})
	if err != nil {
		return "", err
	}
	request, err := r.request(ctx, http.MethodPost, "/sessions", "", credentials)
	if err != nil {
		return "", err
	}
	resp, err := r.http.Do(request)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("sign-in: %s", resp.Status)
	}
	r.token = resp.Header.Get("X-VCAV-Auth")
	return r.token, nil
}

func (r *retryer) send(ctx context.Context, method, path, token string, body []byte, out any) (status int, err error) {
	request, err := r.request(ctx, method, path, token, body)
	if err != nil {
		return 0, err
	}
	resp, err := r.http.Do(request)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return resp.StatusCode, err
	case resp.StatusCode >= http.StatusMultipleChoices:
		return resp.StatusCode, fmt.Errorf("%s %s: %s", method, path, resp.Status)
	default:
		return resp.StatusCode, json.Unmarshal(data, out)
	}
}

func (r *retryer) request(ctx context.Context, method, path, token string, body []byte) (*retryablehttp.Request, error) {
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	request, err := retryablehttp.NewRequestWithContext(ctx, method, r.campaign.proxy.URL+path, reader)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", mediaType)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.Header.Set("X-VCAV-Auth", token)
	}
	return request, nil
}
