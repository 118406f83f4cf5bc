package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// table finds the route of a request. Paths are compared as they were sent,
// without decoding or cleaning, so that each place has one spelling and no
// redirect ever repeats a body (RFC 9700 section 4.12).
type table struct {
	paths map[string]map[string]route // path, then method
}

// newTable refuses a row that says nobody who may come in, one that is there
// twice, and one whose path has a parameter that find would not see.
func newTable(rows []route) (table, error) {
	t := table{paths: map[string]map[string]route{}}
	for _, row := range rows {
		if row.who == nobody || row.do == nil {
			return t, fmt.Errorf("web: route %s %s has no guard or no handler", row.method, row.path)
		}
		if base, _ := cutParameter(row.path); strings.ContainsAny(base, "{}") {
			return t, fmt.Errorf("web: route %s %s may end in one of %v and have no other parameter", row.method, row.path, parameterNames())
		}
		methods := t.paths[row.path]
		if methods == nil {
			methods = map[string]route{}
			t.paths[row.path] = methods
		}
		if _, twice := methods[row.method]; twice {
			return t, fmt.Errorf("web: route %s %s is there twice", row.method, row.path)
		}
		methods[row.method] = row
	}
	for _, methods := range t.paths {
		if get, ok := methods[http.MethodGet]; ok {
			methods[http.MethodHead] = get // the server keeps the body back
		}
	}
	return t, nil
}

// parameterNames are the names that the last element of a path may have.
func parameterNames() []string { return []string{"{id}", "{code}", "{file}"} }

// cutParameter parts the path of a row from its parameter, where it ends in one.
func cutParameter(path string) (base, name string) {
	for _, name := range parameterNames() {
		if base, ends := strings.CutSuffix(path, "/"+name); ends {
			return base, name
		}
	}
	return path, ""
}

// find returns the routes of a path by method, and its parameter where it has
// one; nil when there is no such path. The asterisk is the server as a whole,
// which is there and has no method.
func (t table) find(path string) (methods map[string]route, parameter string) {
	if path == "*" {
		return map[string]route{}, ""
	}
	if methods, ok := t.paths[path]; ok && !strings.Contains(path, "{") {
		return methods, ""
	}
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 || slash == len(path)-1 {
		return nil, ""
	}
	for _, name := range parameterNames() {
		if methods, ok := t.paths[path[:slash+1]+name]; ok {
			return methods, path[slash+1:]
		}
	}
	return nil, ""
}

// allow is the value of the Allow header (RFC 9110 section 10.2.1).
func allow(methods map[string]route) string {
	names := make([]string, 0, len(methods))
	for name := range methods {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// isLanding reports whether a login may lead to the path: one of our own pages
// that can be opened with nothing but the path.
func (t table) isLanding(path string) bool {
	get, ok := t.paths[path][http.MethodGet]
	return ok && get.who == insider
}
