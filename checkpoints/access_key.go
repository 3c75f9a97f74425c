package checkpoints

import (
	"errors"
	"strings"

	"github.com/drkit-go/drkit"
)

// AccessKey signs each request with a permanent key (AK/SK) of the user, instead of a token. It needs an endpoint
// and a project id, which it cannot ask for, and a clock that is right within 15 minutes. A signature that the
// service has refused is not tried again, since five failures in a row lock the key for five minutes: after
// that every call fails until [Sessions.SignIn] says to go on. Bodies are limited to 12 MB.
//
// Source: Huawei Cloud, API request signing guide, "AK/SK signing and authentication".
func AccessKey(id string, secret drkit.Secret) Credentials { return accessKey{id: id, secret: secret} }

// TemporaryKey is an [AccessKey] that comes with a security token and ends with it, after at most a day. The client
// does not renew it.
//
// Source: Open Telekom Cloud, Identity and Access Management API reference, "Obtaining a Temporary AK/SK".
func TemporaryKey(id string, secret, securityToken drkit.Secret) Credentials {
	return accessKey{id: id, secret: secret, token: securityToken, temporary: true}
}

type accessKey struct {
	id        string
	secret    drkit.Secret
	token     drkit.Secret
	temporary bool
}

func (k accessKey) check() error {
	switch {
	case k.id == "":
		return errors.New("access key is empty")
	case strings.Trim(k.id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != "":
		return errors.New("access key has characters that no access key has")
	case k.secret.IsZero():
		return errors.New("secret key is empty")
	case k.temporary && k.token.IsZero():
		return errors.New("security token is empty")
	default:
		return nil
	}
}

func (k accessKey) secrets() []drkit.Secret {
	if k.temporary {
		return []drkit.Secret{k.secret, k.token}
	}
	return []drkit.Secret{k.secret}
}
