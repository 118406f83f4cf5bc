package web

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gatehouse/model"
)

// object is a JSON object on its way into the description.
type object = map[string]any

const problemType = "application/problem+json"

// describe writes OpenAPI 3.1 of every route that is not a page. It is read off
// the route table and the types of the answers; a route without an operation,
// or an operation without a route, is an error.
func (d *door) describe(rows []route) ([]byte, error) {
	schemas, paths, left := schemas{}, object{}, operations(d.auth.SendsMail())
	if d.secret == nil {
		delete(left, "POST /v1/token/introspect")
	}
	for _, row := range rows {
		if row.who.isPage() || strings.HasPrefix(row.path, staticPrefix) {
			continue
		}
		key := row.method + " " + row.path
		op, ok := left[key]
		if !ok {
			return nil, fmt.Errorf("web: route %s is not described", key)
		}
		delete(left, key)
		item, ok := paths[row.path].(object)
		if !ok {
			item = object{}
			paths[row.path] = item
		}
		item[strings.ToLower(row.method)] = schemas.operation(row, op)
	}
	for key := range left {
		return nil, fmt.Errorf("web: there is no route %s", key)
	}
	schemas.of(reflect.TypeFor[problem]())
	return writeIndentedJSON(object{
		"openapi": "3.1.0",
		"info": object{
			"title":       "Gatehouse",
			"version":     "1",
			"description": description,
		},
		"servers":    []object{{"url": d.auth.Issuer()}},
		"paths":      paths,
		"components": object{"schemas": schemas, "securitySchemes": securitySchemes()},
	})
}

const description = "User authentication. Bodies are UTF-8 and at most 64 KiB; unknown, duplicate or differently cased " +
	"members are refused. Every error is RFC 9457; its code is explained at /errors/{code}. Query strings are refused. " +
	"A request with a bearer token must carry no session cookie: scripts of the same origin send it with credentials: \"omit\"."

func (d *door) serveOpenAPI(x *exchange) error {
	return x.write(http.StatusOK, "application/json; charset=utf-8", d.openapi)
}

func securitySchemes() object {
	return object{
		"bearer":        object{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
		"session":       object{"type": "apiKey", "in": "cookie", "name": sessionCookie},
		"csrf":          object{"type": "apiKey", "in": "header", "name": csrfHeader},
		"introspection": object{"type": "http", "scheme": "basic"},
	}
}

// security is what a guard asks for; nothing for a route that is open to all.
func (g guard) security() []object {
	switch g {
	case bearer:
		return []object{{"bearer": []string{}}}
	case cookied:
		return []object{{"session": []string{}, "csrf": []string{}}}
	case introspector:
		return []object{{"introspection": []string{}}}
	}
	return []object{}
}

// schemas are the named schemas of the description.
type schemas map[string]any

func (s schemas) operation(row route, op operation) object {
	out := object{
		"summary": op.summary, "operationId": operationID(row),
		"security": row.who.security(), "responses": s.responses(row, op),
	}
	if strings.Contains(row.path, "{id}") {
		out["parameters"] = []object{{
			"name": "id", "in": "path", "required": true, "schema": object{"type": "string", "format": "uuid"},
		}}
	}
	if content := requestContent(row.takes, op.anyOf); len(content) > 0 {
		out["requestBody"] = object{"required": !row.takes.maySkip, "content": content}
	}
	return out
}

// operationID is the method and the path in one word: postV1TokenRefresh.
func operationID(row route) string {
	id := strings.ToLower(row.method)
	for _, part := range strings.FieldsFunc(row.path, func(r rune) bool { return strings.ContainsRune("/.-{}_", r) }) {
		id += strings.ToUpper(part[:1]) + part[1:]
	}
	return id
}

func requestContent(takes body, anyOf []string) object {
	content := object{}
	schema := requestSchema(takes, anyOf)
	if takes.json {
		content["application/json"] = object{"schema": schema}
	}
	if takes.form {
		content["application/x-www-form-urlencoded"] = object{"schema": schema}
	}
	return content
}

// requestSchema is the schema of a body, from the members the server checks.
func requestSchema(takes body, anyOf []string) object {
	properties, required := object{}, []string{}
	for _, m := range takes.members {
		property := object{"type": "string", "description": m.about, "minLength": m.min, "maxLength": m.max}
		if m.secret {
			property["writeOnly"] = true
		}
		properties[m.name] = property
		if m.required {
			required = append(required, m.name)
		}
	}
	schema := object{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
	if len(anyOf) > 0 {
		choices := []object{}
		for _, name := range anyOf {
			choices = append(choices, object{"required": []string{name}})
		}
		schema["anyOf"] = choices
	}
	return schema
}

func (s schemas) responses(row route, op operation) object {
	good := object{"description": http.StatusText(op.status)}
	if op.answer != nil {
		media := op.media
		if media == "" {
			media = "application/json"
		}
		good["content"] = object{media: object{"schema": s.of(reflect.TypeOf(op.answer))}}
	}
	out := object{strconv.Itoa(op.status): good}
	for status, codes := range refusalsByStatus(row, op) {
		slices.Sort(codes)
		out[strconv.Itoa(status)] = object{
			"description": strings.Join(slices.Compact(codes), ", "),
			"content":     object{problemType: object{"schema": object{"$ref": "#/components/schemas/Problem"}}},
		}
	}
	return out
}

// refusalsByStatus adds what every route of its kind can refuse. A method that
// a path does not have is no operation, so none of them refuses its method.
func refusalsByStatus(row route, op operation) map[int][]string {
	all := append([]*model.Error{model.ErrBadRequest, model.ErrInternal}, op.refusals...)
	if !op.alone {
		all = append(all, model.ErrUnavailable)
	}
	if row.who != anyone {
		all = append(all, model.ErrInvalidToken)
	}
	if row.takes.json || row.takes.form {
		all = append(all, model.ErrUnknownMember, model.ErrBodyTooLarge, model.ErrUnsupportedMediaType)
	}
	codes := map[int][]string{}
	for _, refusal := range all {
		codes[statusOf(refusal)] = append(codes[statusOf(refusal)], refusal.Code)
	}
	return codes
}

// of is the schema of a type of an answer. Structs get a name and a place among
// the components.
func (s schemas) of(t reflect.Type) object {
	switch {
	case t == reflect.TypeFor[instant]():
		return object{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[uuid]():
		return object{"type": "string", "format": "uuid"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		schema := s.of(t.Elem())
		schema["type"] = []string{schema["type"].(string), "null"}
		return schema
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Map:
		return object{"type": "object"}
	}
	name := schemaName(t)
	if _, known := s[name]; !known {
		s[name] = s.structure(t)
	}
	return object{"$ref": "#/components/schemas/" + name}
}

// schemaName is the name of the type without what it is to the package.
func schemaName(t reflect.Type) string {
	name := strings.TrimSuffix(strings.TrimSuffix(t.Name(), "Answer"), "Envelope")
	if strings.HasSuffix(t.Name(), "Envelope") {
		name += "Document"
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

func (s schemas) structure(t reflect.Type) object {
	properties, required := object{}, []string{}
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		properties[name] = s.of(t.Field(i).Type)
		if options == "" {
			required = append(required, name)
		}
	}
	return object{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}
