"""network.py - mutants of the ways out: what goes by a proxy and what never does, two addresses, names by partition."""

from mutant import Mutant

MUTANTS = [
    Mutant(
        "the headers of a request told to the proxy",
        "agent/io/world_uv_http_rules.c",
        "CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE",
        "CURLOPT_HEADEROPT, (long)CURLHEADER_UNIFIED",
        "build/tests/unit/io/test_world_uv_http_rules",
    ),
    Mutant(
        "no_proxy of the environment leads past the proxy",
        "agent/io/world_uv_http_rules.c",
        '	SET(t->easy, CURLOPT_NOPROXY, ""); /*',
        "	SET(t->easy, CURLOPT_NOPROXY, NULL); /*",
        "build/tests/unit/io/test_world_uv_http_rules",
    ),
    Mutant(
        "a proxy's refusal taken for the vendor's answer",
        "agent/io/world_uv_http.c",
        "	if (refused_by_proxy(t, refusal, sizeof(refusal)) != NULL)",
        "	if (false && refused_by_proxy(t, refusal, sizeof(refusal)) != NULL)",
        "build/tests/unit/io/test_world_uv_http_rules",
    ),
    Mutant(
        "polls go past the proxy",
        "agent/control/session.c",
        "	r->proxy = s->cfg.proxy;\n",
        "",
        "build/tests/unit/daemon/test_agent",
    ),
    Mutant(
        "telemetry goes past the proxy",
        "shippers/exporter.c",
        "	r->proxy = x->proxy;\n",
        "",
        "build/tests/unit/daemon/test_agent",
    ),
    Mutant(
        "a password in vendor.proxy shown",
        "agent/config.c",
        "		return yaml_wrong_hidden(n,",
        "		return yaml_wrong(n,",
        "build/tests/unit/agent/test_config",
    ),
    Mutant(
        "the metadata service asked at one address alone",
        "agent/aws/imds.c",
        "	} else if (!imds_is_ipv6(im)) {",
        "	} else if (false) {",
        "build/tests/unit/aws/test_imds",
    ),
    Mutant(
        "a slow metadata service taken for a subnet without IPv4",
        "agent/aws/imds.c",
        "	return imds_is_ipv6(im) && im->on_ipv4.code != ERR_TIMEOUT;",
        "	return imds_is_ipv6(im);",
        "build/tests/unit/daemon/test_identity",
    ),
    Mutant(
        "the session token of one address shown to the other",
        "agent/aws/imds.c",
        "	im->endpoint = endpoint;\n	secret_close(&im->token);\n",
        "	im->endpoint = endpoint;\n",
        "build/tests/unit/aws/test_imds",
    ),
    Mutant(
        "dual-stack hosts of a suffix that nobody has published",
        "agent/daemon/identity.c",
        "	if (str_eq(p->suffix, f->id->domain))",
        "	if (p->dual_suffix != NULL)",
        "build/tests/unit/daemon/test_identity",
    ),
    Mutant(
        "an isolated partition taken for the commercial one",
        "agent/aws/region.c",
        '	{ "aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud" },\n',
        "",
        "build/tests/unit/daemon/test_identity",
    ),
    Mutant(
        "a request sent again by curl when a kept connection is lost",
        "agent/io/world_uv_http_rules.c",
        "	return t->is_lost ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;",
        "	return CURL_PREREQFUNC_OK;",
        "build/tests/unit/io/test_world_uv_http",
    ),
]
