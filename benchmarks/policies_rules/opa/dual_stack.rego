# The rules that read a distribution alone, for conftest, over a Pulumi state.
package main

import rego.v1

caching_disabled := "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"

forwards_all := {
	"216adef6-5c7f-47e4-b989-5492eafa07d3",
	"33f36d7e-f396-46d9-90e0-52428a34d9dc",
}

methods := {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}

codes := {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}

strict := {"TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"}

distributions contains resource if {
	some resource in input.deployment.resources
	resource.type == "aws:cloudfront/distribution:Distribution"
}

behaviors(resource) := array.concat(
	[object.get(resource.inputs, "defaultCacheBehavior", {})],
	object.get(resource.inputs, "orderedCacheBehaviors", []),
)

deny contains sprintf("ipv6-enabled: %s", [resource.urn]) if {
	some resource in distributions
	not resource.inputs.isIpv6Enabled
}

deny contains sprintf("caching-off: %s", [resource.urn]) if {
	some resource in distributions
	some behavior in behaviors(resource)
	object.get(behavior, "cachePolicyId", "") != caching_disabled
}

deny contains sprintf("headers-, cookies-, query-strings-forwarded: %s", [resource.urn]) if {
	some resource in distributions
	some behavior in behaviors(resource)
	not object.get(behavior, "originRequestPolicyId", "") in forwards_all
}

deny contains sprintf("methods-allowed: %s", [resource.urn]) if {
	some resource in distributions
	some behavior in behaviors(resource)
	{method | some method in object.get(behavior, "allowedMethods", [])} != methods
}

deny contains sprintf("error-caching-off: %s", [resource.urn]) if {
	some resource in distributions
	off := {entry.errorCode |
		some entry in object.get(resource.inputs, "customErrorResponses", [])
		entry.errorCachingMinTtl == 0
	}
	count(codes - off) > 0
}

deny contains sprintf("origin-answers: %s", [resource.urn]) if {
	some resource in distributions
	some behavior in behaviors(resource)
	not object.get(behavior, "viewerProtocolPolicy", "") in {"allow-all", "https-only"}
}

deny contains sprintf("origin-answers: %s", [resource.urn]) if {
	some resource in distributions
	object.get(resource.inputs, "defaultRootObject", "") != ""
}

warn contains sprintf("viewer-tls: %s", [resource.urn]) if {
	some resource in distributions
	not resource.inputs.viewerCertificate.minimumProtocolVersion in strict
}

warn contains sprintf("origin-tls: %s", [resource.urn]) if {
	some resource in distributions
	some origin in resource.inputs.origins
	origin.customOriginConfig.originProtocolPolicy != "https-only"
}

warn contains sprintf("origin-locked: %s", [resource.urn]) if {
	some resource in distributions
	some origin in resource.inputs.origins
	origin.customOriginConfig
	count(object.get(origin, "customHeaders", [])) == 0
}
