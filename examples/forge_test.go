package examples

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

const forgeToken = "forge-Secret-5520"

// forge plays the few calls of GitHub's and GitLab's API that the scripts of
// the pull-request example make.
type forge struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	comments []string          // by ID less 1
	plans    map[string][]byte // artifacts by the commit they were planned on
	cameBy   map[string]string // commits of main: the last commit of their request
}

func startForge(t *testing.T) *forge {
	f := &forge{t: t, plans: map[string][]byte{}, cameBy: map[string]string{}}
	mux := http.NewServeMux()
	for _, list := range []string{"/repos/contoso/mail/issues/7/comments", "/projects/42/merge_requests/7/notes"} {
		mux.HandleFunc("GET "+list, f.listComments)
		mux.HandleFunc("POST "+list, f.postComment)
	}
	mux.HandleFunc("PATCH /repos/contoso/mail/issues/comments/{id}", f.editComment)
	mux.HandleFunc("PUT /projects/42/merge_requests/7/notes/{id}", f.editComment)
	mux.HandleFunc("GET /repos/contoso/mail/commits/{sha}/pulls", f.requests)
	mux.HandleFunc("GET /projects/42/repository/commits/{sha}/merge_requests", f.requests)
	mux.HandleFunc("GET /repos/contoso/mail/actions/artifacts", f.listArtifacts)
	mux.HandleFunc("GET /repos/contoso/mail/actions/artifacts/{id}/zip", f.zipped)
	mux.HandleFunc("GET /projects/42/repository/commits/{sha}/statuses", f.jobs)
	mux.HandleFunc("GET /projects/42/jobs/{id}/artifacts/out/cutover.plan", f.plain)
	f.Server = httptest.NewServer(f.signedIn(mux))
	t.Cleanup(f.Close)
	return f
}

func (f *forge) signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer "+forgeToken && r.Header.Get("PRIVATE-TOKEN") != forgeToken {
			http.Error(w, "bad credentials", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (f *forge) answer(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		f.t.Error(err)
	}
}

func (f *forge) listComments(w http.ResponseWriter, r *http.Request) {
	page := []map[string]any{}
	for i, body := range f.comments {
		if r.FormValue("page") == fmt.Sprint(i+1) { // one comment a page
			page = append(page, map[string]any{"id": i + 1, "body": body})
		}
	}
	f.answer(w, page)
}

func (f *forge) body(r *http.Request) string {
	var comment struct{ Body string }
	if err := json.NewDecoder(r.Body).Decode(&comment); err != nil {
		f.t.Error(err)
	}
	return comment.Body
}

func (f *forge) postComment(w http.ResponseWriter, r *http.Request) {
	f.comments = append(f.comments, f.body(r))
	f.answer(w, map[string]int{"id": len(f.comments)})
}

func (f *forge) editComment(w http.ResponseWriter, r *http.Request) {
	for i := range f.comments {
		if r.PathValue("id") == fmt.Sprint(i+1) {
			f.comments[i] = f.body(r)
			return
		}
	}
	http.NotFound(w, r)
}

func (f *forge) requests(w http.ResponseWriter, r *http.Request) {
	all := []map[string]any{}
	if head := f.cameBy[r.PathValue("sha")]; head != "" {
		all = append(all, map[string]any{"merged_at": "2026-11-02T09:00:00Z", "state": "merged", "sha": head, "head": map[string]string{"sha": head}})
	}
	f.answer(w, all)
}

func (f *forge) listArtifacts(w http.ResponseWriter, r *http.Request) {
	all := []map[string]any{}
	head, ok := strings.CutPrefix(r.FormValue("name"), "cutover-plan-")
	if ok && f.plans[head] != nil {
		all = append(all, map[string]any{"id": head, "expired": false, "created_at": "2026-11-02T09:00:00Z", "workflow_run": map[string]string{"head_sha": head}})
		all = append(all, map[string]any{"id": "other", "expired": true, "created_at": "2026-11-03T09:00:00Z", "workflow_run": map[string]string{"head_sha": head}})
	}
	f.answer(w, map[string]any{"artifacts": all})
}

func (f *forge) zipped(w http.ResponseWriter, r *http.Request) {
	var buffer bytes.Buffer
	z := zip.NewWriter(&buffer)
	file, err := z.Create("cutover.plan")
	if err == nil {
		_, err = file.Write(f.plans[r.PathValue("id")])
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		f.t.Error(err)
	}
	io.Copy(w, &buffer)
}

// jobs answers with the commit as the ID of its job.
func (f *forge) jobs(w http.ResponseWriter, r *http.Request) {
	all := []map[string]any{}
	if sha := r.PathValue("sha"); f.plans[sha] != nil && r.FormValue("name") == "plan" {
		all = append(all, map[string]any{"id": sha, "status": "success"})
	}
	f.answer(w, all)
}

func (f *forge) plain(w http.ResponseWriter, r *http.Request) { w.Write(f.plans[r.PathValue("id")]) }
