/* A session of libnetconf2, the library below netopeer2's command line client, driven over standard input and output.
 *
 * A request is one line, its words divided by tabs; an empty word is a parameter that is not given. What follows is
 * any number of frames "KIND LENGTH\n", LENGTH bytes and a line end, the last of which is "ok", "data", "error" or
 * "failed"; "log" is a complaint of the library, "unknown" a node that it found in no module, "invalid" what its
 * validation says of a whole <data>.
 */
#define _POSIX_C_SOURCE 200809L
#include <libyang/libyang.h>
#include <nc_client.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS = 16, PATIENCE = 20000, WAIT = 20 };

static struct nc_session *session;
static char *password;
static char *words[WORDS];

static void frame(const char *kind, const char *text) {
    printf("%s %zu\n%s\n", kind, strlen(text), text);
    fflush(stdout);
}

/* Return a parameter, NULL when it is not given. */
static char *word(int at) { return words[at] && words[at][0] ? words[at] : NULL; }

static unsigned number(int at) { return word(at) ? (unsigned)strtoul(words[at], NULL, 10) : 0; }

static void complain(const struct nc_session *of, NC_VERB_LEVEL level, const char *said) {
    (void)of;
    if (level <= NC_VERB_WARNING) {
        frame("log", said);
    }
}

static char *ask_password(const char *user, const char *host, void *priv) {
    (void)user, (void)host, (void)priv;
    return strdup(password);
}

#if LIBNETCONF2 == 2
static int trust(const char *host, ssh_session ssh, void *priv) {
    (void)host, (void)ssh, (void)priv;
    return 0;
}
#endif

/* Log in by password, whatever the key of the host is; `calls` when the server does the dialling. */
static void prepare_ssh(int calls) {
    char *user = word(3);
    password = word(4) ? word(4) : "";
#if LIBNETCONF2 == 2
    nc_client_ssh_set_auth_hostkey_check_clb(trust, NULL);
    nc_client_ssh_ch_set_auth_hostkey_check_clb(trust, NULL);
#else
    nc_client_ssh_set_knownhosts_mode(NC_SSH_KNOWNHOSTS_SKIP);
    nc_client_ssh_ch_set_knownhosts_mode(NC_SSH_KNOWNHOSTS_SKIP);
#endif
    if (calls) {
        nc_client_ssh_ch_set_auth_password_clb(ask_password, NULL);
        nc_client_ssh_ch_set_auth_pref(NC_SSH_AUTH_PASSWORD, 10);
        nc_client_ssh_ch_set_username(user);
    } else {
        nc_client_ssh_set_auth_password_clb(ask_password, NULL);
        nc_client_ssh_set_auth_pref(NC_SSH_AUTH_PASSWORD, 10);
        nc_client_ssh_set_username(user);
    }
}

/* Connect as the first word says: ssh, tls, or listen-ssh, listen-tls for a server that calls home. */
static int connect_to(const char *how) {
    int tls = strstr(how, "tls") != NULL, calls = strncmp(how, "listen", 6) == 0;
    unsigned short port = (unsigned short)number(2);
    if (!tls) {
        prepare_ssh(calls);
    } else if (calls) {
        nc_client_tls_ch_set_cert_key_paths(word(3), word(3));
        nc_client_tls_ch_set_trusted_ca_paths(word(4), NULL);
    } else {
        nc_client_tls_set_cert_key_paths(word(3), word(3));
        nc_client_tls_set_trusted_ca_paths(word(4), NULL);
    }
    if (!calls) {
        session = tls ? nc_connect_tls(word(1), port, NULL) : nc_connect_ssh(word(1), port, NULL);
    } else if (!(tls ? nc_client_tls_ch_add_bind_listen(word(1), port) : nc_client_ssh_ch_add_bind_listen(word(1), port))) {
        frame("listening", word(1));
        nc_accept_callhome(PATIENCE, NULL, &session);
    }
    return session == NULL;
}

static NC_DATASTORE datastore(const char *name) {
    if (!strcmp(name, "running")) {
        return NC_DATASTORE_RUNNING;
    }
    return strcmp(name, "candidate") ? NC_DATASTORE_CONFIG : NC_DATASTORE_CANDIDATE;
}

/* Return where a word stands among those that the library counts, 0 when it is not given. */
static unsigned among(const char *wanted, const char *const *names) {
    for (unsigned at = 0; wanted && names[at]; ++at) {
        if (!strcmp(wanted, names[at])) {
            return at + 1;
        }
    }
    return 0;
}

static NC_WD_MODE defaults(int at) {
    static const char *const names[] = {"report-all", "report-all-tagged", "trim", "explicit", NULL};
    return (NC_WD_MODE)among(word(at), names);
}

static NC_RPC_EDIT_DFLTOP default_operation(int at) {
    static const char *const names[] = {"merge", "replace", "none", NULL};
    return (NC_RPC_EDIT_DFLTOP)among(word(at), names);
}

static struct nc_rpc *edit_config(void) {
    static const char *const tests[] = {"test-then-set", "set", "test-only", NULL};
    static const char *const errors[] = {"stop-on-error", "continue-on-error", "rollback-on-error", NULL};
    return nc_rpc_edit(datastore(word(1)), default_operation(2), (NC_RPC_EDIT_TESTOPT)among(word(3), tests),
                       (NC_RPC_EDIT_ERROPT)among(word(4), errors), word(5), NC_PARAMTYPE_CONST);
}

static struct nc_rpc *copy_config(void) {
    NC_DATASTORE source = datastore(word(2));
    return nc_rpc_copy(datastore(word(1)), NULL, source, source == NC_DATASTORE_CONFIG ? word(2) : NULL, NC_WD_UNKNOWN,
                       NC_PARAMTYPE_CONST);
}

static struct nc_rpc *validate(void) {
    NC_DATASTORE source = datastore(word(1));
    return nc_rpc_validate(source, source == NC_DATASTORE_CONFIG ? word(1) : NULL, NC_PARAMTYPE_CONST);
}

static struct nc_rpc *get(void) { return nc_rpc_get(word(1), defaults(2), NC_PARAMTYPE_CONST); }

static struct nc_rpc *get_config(void) {
    return nc_rpc_getconfig(datastore(word(1)), word(2), defaults(3), NC_PARAMTYPE_CONST);
}

static struct nc_rpc *delete_config(void) { return nc_rpc_delete(datastore(word(1)), NULL, NC_PARAMTYPE_CONST); }

static struct nc_rpc *lock(void) { return nc_rpc_lock(datastore(word(1))); }

static struct nc_rpc *unlock(void) { return nc_rpc_unlock(datastore(word(1))); }

static struct nc_rpc *kill_session(void) { return nc_rpc_kill(number(1)); }

static struct nc_rpc *commit(void) {
    return nc_rpc_commit(word(1) != NULL, number(2), word(3), word(4), NC_PARAMTYPE_CONST);
}

static struct nc_rpc *discard_changes(void) { return nc_rpc_discard(); }

static struct nc_rpc *cancel_commit(void) { return nc_rpc_cancel(word(1), NC_PARAMTYPE_CONST); }

static struct nc_rpc *get_schema(void) { return nc_rpc_getschema(word(1), word(2), word(3), NC_PARAMTYPE_CONST); }

static struct nc_rpc *create_subscription(void) {
    return nc_rpc_subscribe(word(1), word(2), word(3), word(4), NC_PARAMTYPE_CONST);
}

static struct nc_rpc *get_data(void) {
    return nc_rpc_getdata(word(1), word(2), word(3), NULL, 0, 0, (unsigned short)number(4), word(5) != NULL, defaults(6),
                          NC_PARAMTYPE_CONST);
}

static struct nc_rpc *edit_data(void) {
    return nc_rpc_editdata(word(1), default_operation(2), word(3), NC_PARAMTYPE_CONST);
}

static struct nc_rpc *establish_sub(void) {
    return nc_rpc_establishsub(word(1), word(2), word(3), word(4), word(5), NC_PARAMTYPE_CONST);
}

static struct nc_rpc *modify_sub(void) { return nc_rpc_modifysub(number(1), word(2), word(3), NC_PARAMTYPE_CONST); }

static struct nc_rpc *delete_sub(void) { return nc_rpc_deletesub(number(1)); }

static struct nc_rpc *kill_sub(void) { return nc_rpc_killsub(number(1)); }

static struct nc_rpc *establish_push_periodic(void) {
    return nc_rpc_establishpush_periodic(word(1), word(2), word(3), word(4), number(5), word(6), NC_PARAMTYPE_CONST);
}

static struct nc_rpc *establish_push_onchange(void) {
    return nc_rpc_establishpush_onchange(word(1), word(2), word(3), word(4), number(5), word(6) != NULL, NULL,
                                         NC_PARAMTYPE_CONST);
}

static struct nc_rpc *modify_push_periodic(void) {
    return nc_rpc_modifypush_periodic(number(1), word(2), word(3), word(4), number(5), word(6), NC_PARAMTYPE_CONST);
}

static struct nc_rpc *modify_push_onchange(void) {
    return nc_rpc_modifypush_onchange(number(1), word(2), word(3), word(4), number(5), NC_PARAMTYPE_CONST);
}

static struct nc_rpc *resync_sub(void) { return nc_rpc_resyncsub(number(1)); }

static struct nc_rpc *user_rpc(void) { return nc_rpc_act_generic_xml(word(1), NC_PARAMTYPE_CONST); }

static const struct {
    const char *name;
    struct nc_rpc *(*make)(void);
} requests[] = {
    {"get", get}, {"get-config", get_config}, {"edit-config", edit_config}, {"copy-config", copy_config},
    {"delete-config", delete_config}, {"lock", lock}, {"unlock", unlock}, {"kill-session", kill_session},
    {"commit", commit}, {"discard-changes", discard_changes}, {"cancel-commit", cancel_commit}, {"validate", validate},
    {"get-schema", get_schema}, {"create-subscription", create_subscription}, {"get-data", get_data},
    {"edit-data", edit_data}, {"establish-sub", establish_sub}, {"modify-sub", modify_sub}, {"delete-sub", delete_sub},
    {"kill-sub", kill_sub}, {"establish-push-periodic", establish_push_periodic},
    {"establish-push-onchange", establish_push_onchange}, {"modify-push-periodic", modify_push_periodic},
    {"modify-push-onchange", modify_push_onchange}, {"resync-sub", resync_sub}, {"user-rpc", user_rpc}, {NULL, NULL}};

static struct lyd_node *inside(const struct lyd_node *node) {
    if (node->schema && (node->schema->nodetype & LYD_NODE_ANY)) {
#if LIBNETCONF2 < 4
        const struct lyd_node_any *any = (const struct lyd_node_any *)node;
        return any->value_type == LYD_ANYDATA_DATATREE ? any->value.tree : NULL;
#else
        return lyd_child_any(node);
#endif
    }
    return lyd_child(node);
}

/* Name every node that no module knows: the library keeps it without a word. */
static void find_unknown(const struct lyd_node *node) {
    for (; node; node = node->next) {
        if (!node->schema) {
            frame("unknown", LYD_NAME(node));
        } else {
            find_unknown(inside(node));
        }
    }
}

static void show(const char *kind, const struct lyd_node *node) {
    char *text = NULL;
    find_unknown(node);
    lyd_print_mem(&text, node, LYD_XML, LYD_PRINT_SHRINK);
    frame(kind, text ? text : "");
    free(text);
}

/* Ask, and show what comes; a notification that comes first is shown too. */
static void ask(struct nc_rpc *rpc) {
    struct lyd_node *envelope = NULL, *operation = NULL;
    uint64_t id = 0;
    NC_MSG_TYPE got = rpc ? nc_send_rpc(session, rpc, PATIENCE, &id) : NC_MSG_ERROR;
    if (got != NC_MSG_RPC) {
        frame("failed", "the request could not be made");
        return;
    }
    do {
        got = nc_recv_reply(session, rpc, id, PATIENCE, &envelope, &operation);
    } while (got == NC_MSG_NOTIF);
    if (got != NC_MSG_REPLY) {
        frame("failed", got == NC_MSG_WOULDBLOCK ? "no reply" : "a reply that cannot be read");
    } else if (operation) {
        show("data", operation);
    } else {
        char *text = NULL;
        lyd_print_mem(&text, envelope, LYD_XML, LYD_PRINT_SHRINK);
        frame(strcmp(LYD_NAME(lyd_child(envelope)), "ok") ? "error" : "ok", text ? text : "");
        free(text);
    }
    lyd_free_tree(envelope);
    lyd_free_tree(operation);
}

static void notification(void) {
    struct lyd_node *envelope = NULL, *operation = NULL;
    NC_MSG_TYPE got = nc_recv_notif(session, word(1) ? (int)number(1) : PATIENCE, &envelope, &operation);
    if (got != NC_MSG_NOTIF) {
        frame("failed", got == NC_MSG_WOULDBLOCK ? "nothing was told" : "a notification that cannot be read");
        return;
    }
    struct lyd_node *top = operation;
    while (lyd_parent(top)) {
        top = (struct lyd_node *)lyd_parent(top);
    }
    find_unknown(top);
    frame("time", lyd_get_value(lyd_child(envelope)));
    show("data", top);
    lyd_free_tree(envelope);
    lyd_free_tree(top);
}

/* Say which modules were loaded, a line each: its name, revision, features, and "import" where nothing is implemented. */
static void modules(void) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    const struct lys_module *module;
    uint32_t at = 0;
    while ((module = ly_ctx_get_module_iter(nc_session_get_ctx(session), &at))) {
        fprintf(out, "%s %s %s", module->name, module->revision ? module->revision : "-",
                module->implemented ? "implement" : "import");
        struct lysp_feature *feature = NULL;
        uint32_t index = 0;
        while ((feature = lysp_feature_next(feature, module->parsed, &index))) {
            fprintf(out, " %s%s", feature->flags & LYS_FENABLED ? "+" : "-", feature->name);
        }
        fprintf(out, "\n");
    }
    fclose(out);
    frame("data", text);
    free(text);
}

static void handle(void) {
    if (!strcmp(words[0], "modules")) {
        modules();
    } else if (!strcmp(words[0], "notification")) {
        notification();
    } else if (strstr(words[0], "ssh") || strstr(words[0], "tls")) {
        frame(connect_to(words[0]) ? "failed" : "ok", "");
    } else {
        for (int at = 0; requests[at].name; ++at) {
            if (!strcmp(words[0], requests[at].name)) {
                struct nc_rpc *rpc = requests[at].make();
                ask(rpc);
                nc_rpc_free(rpc);
                return;
            }
        }
        frame("failed", "no such request");
    }
}

int main(void) {
    char *line = NULL, empty[] = "/tmp/libnetconf2-XXXXXX";
    size_t size = 0;
    /* the library looks for modules in all that is below the working directory, and follows links there: a link to
     * itself, which a chroot may have for the paths of the tests, costs it two seconds at each module */
    if (!mkdtemp(empty) || chdir(empty)) {
        return 1;
    }
    nc_client_init();
    nc_verbosity(NC_VERB_WARNING);
    nc_set_print_clb_session(complain);
    while (getline(&line, &size, stdin) > 0) {
        char *rest = line;
        line[strcspn(line, "\n")] = '\0';
        memset(words, 0, sizeof words);
        for (int at = 0; at < WORDS && rest; ++at) {
            words[at] = rest;
            if ((rest = strchr(rest, '\t'))) {
                *rest++ = '\0';
            }
        }
        handle();
    }
    nc_session_free(session, NULL);
    nc_client_destroy();
    free(line);
    rmdir(empty);
    return 0;
}
