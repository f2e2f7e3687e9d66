package imap

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/emersion/go-sasl"

	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/imap/wire"
)

// authName is a way to sign in.
type authName string

const (
	authAuto        authName = "auto"
	authLogin       authName = "login"
	authPlain       authName = "plain"
	authXOAuth2     authName = "xoauth2"
	authOAuthBearer authName = "oauthbearer"
)

func authNames() []string {
	return []string{string(authAuto), string(authLogin), string(authPlain), string(authXOAuth2), string(authOAuthBearer)}
}

func (a authName) token() bool { return a == authXOAuth2 || a == authOAuthBearer }

// credentials are what one session signs in with.
type credentials struct {
	authzid, user, secret string
	token                 bool
}

// credentials of an account: its own, the master's, or a token.
func (e *endpoint) credentials(ctx context.Context, a account) (credentials, error) {
	name := e.set.signInName(a)
	switch master := e.set.master; {
	case e.tokens != nil:
		value, err := e.tokens.get(ctx, a, name)
		return credentials{user: name, secret: value, token: true}, err
	case a.password != "":
		return credentials{user: name, secret: a.password}, nil
	case master != nil && master.Mode == "authzid":
		return credentials{authzid: name, user: master.Username, secret: master.Password}, nil
	case master != nil:
		return credentials{user: name + e.set.separator + master.Username, secret: master.Password}, nil
	}
	return credentials{user: name, secret: e.set.password}, nil
}

// mechanism chooses how to send the credentials from what the server offers.
func (e *endpoint) mechanism(conn *wire.Conn, c credentials) (authName, error) {
	if e.set.auth != authAuto && e.set.auth.token() == c.token {
		return e.set.auth, nil
	}
	if c.token {
		if conn.Has("AUTH=OAUTHBEARER") {
			return authOAuthBearer, nil
		}
		return authXOAuth2, nil
	}
	if conn.Has("AUTH=PLAIN") || c.authzid != "" || !quotableLogin(c) {
		return authPlain, nil
	}
	if conn.Has("LOGINDISABLED") {
		return "", &providers.Error{Kind: providers.Denied, Code: codeSignIn, Op: "sign in", WholeEndpoint: true,
			Err: errors.New("the server offers neither AUTH=PLAIN nor LOGIN on this connection")}
	}
	return authLogin, nil
}

// quotableLogin reports whether LOGIN can carry the credentials everywhere:
// its arguments are ASCII in RFC 3501.
func quotableLogin(c credentials) bool {
	for _, r := range c.user + c.secret {
		if r >= 0x7f || r < ' ' {
			return false
		}
	}
	return true
}

// signIn authenticates. Errors name the account, never the secret.
func (e *endpoint) signIn(ctx context.Context, conn *wire.Conn, a account) error {
	c, err := e.credentials(ctx, a)
	if err != nil {
		return err
	}
	mechanism, err := e.mechanism(conn, c)
	if err != nil {
		return err
	}
	conn.Hide(c.hide)
	if err := e.send(ctx, conn, mechanism, c); err != nil {
		if c.token {
			e.tokens.refused(c.user, c.secret)
		}
		return e.signInError(a, c, err)
	}
	return nil
}

func (e *endpoint) send(ctx context.Context, conn *wire.Conn, mechanism authName, c credentials) error {
	caps := conn.CapsVersion()
	err := e.exchange(ctx, conn, mechanism, c)
	if err == nil && conn.CapsVersion() == caps {
		conn.ForgetCaps()
	}
	return err
}

func (e *endpoint) exchange(ctx context.Context, conn *wire.Conn, mechanism authName, c credentials) error {
	switch mechanism {
	case authLogin:
		return conn.Do(ctx, wire.Cmd("LOGIN").Str(c.user).Str(c.secret), nil)
	case authXOAuth2:
		return authenticate(ctx, conn, xoauth2{c})
	case authOAuthBearer:
		return authenticate(ctx, conn, oauthBearer{sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{Username: c.user, Token: c.secret})})
	}
	return authenticate(ctx, conn, sasl.NewPlainClient(c.authzid, c.user, c.secret))
}

// authenticate runs a SASL exchange (RFC 9051 section 6.2.2), with the initial
// response in the command where the server takes it (RFC 4959).
func authenticate(ctx context.Context, conn *wire.Conn, client sasl.Client) error {
	name, first, err := client.Start()
	if err != nil {
		return err
	}
	command := wire.Cmd("AUTHENTICATE").Atom(name)
	pending := first != nil
	if pending && conn.Has("SASL-IR") {
		command.Atom(encodeInitial(first))
		pending = false
	}
	return conn.Raw(ctx, command, func(request string) (string, error) {
		if pending {
			pending = false
			return base64.StdEncoding.EncodeToString(first), nil
		}
		challenge, err := base64.StdEncoding.DecodeString(strings.TrimSpace(request))
		if err != nil {
			return "", errors.New("the server's challenge is not base64")
		}
		answer, err := client.Next(challenge)
		if err != nil {
			return "", err
		}
		return base64.StdEncoding.EncodeToString(answer), nil
	})
}

func encodeInitial(first []byte) string {
	if len(first) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(first)
}

// xoauth2 is the mechanism of Gmail and Microsoft 365: a bearer token before
// RFC 7628. A failure comes as a challenge that must be answered with nothing.
type xoauth2 struct{ c credentials }

// Start returns the only message.
func (x xoauth2) Start() (string, []byte, error) {
	return "XOAUTH2", []byte("user=" + x.c.user + "\x01auth=Bearer " + x.c.secret + "\x01\x01"), nil
}

// Next answers the error of the server, so that it ends the command.
func (x xoauth2) Next([]byte) ([]byte, error) { return nil, nil }

// oauthBearer answers the error of the server as RFC 7628 section 3.2.3 asks,
// so that the server's NO ends the command.
type oauthBearer struct{ sasl.Client }

// Next answers a failure.
func (oauthBearer) Next([]byte) ([]byte, error) { return []byte{1}, nil }
