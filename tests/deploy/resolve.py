"""What CloudFormation makes of a part of the template: the few functions that its documents use, over parameters."""

import re

PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::URLSuffix": "amazonaws.com",
}
NO_VALUE = object()


def defaults(template):
    return {name: p["Default"] for name, p in template["Parameters"].items() if "Default" in p}


class Resolver:
    def __init__(self, template, given):
        self.template = template
        self.values = PSEUDO | defaults(template) | given
        self.functions = {"Ref": self.ref, "Fn::Sub": self.sub, "Fn::Join": self.join, "Fn::Split": self.split}
        self.functions |= {"Fn::Select": lambda v: self.of(v[1])[int(v[0])]}
        self.functions |= {"Fn::If": self.choose, "Fn::Not": lambda v: not self.of(v[0])}
        self.functions |= {"Fn::And": lambda v: all(self.of(one) for one in v)}
        self.functions |= {"Fn::Or": lambda v: any(self.of(one) for one in v)}
        self.functions |= {"Condition": lambda name: self.of(self.template["Conditions"][name])}
        self.functions |= {"Fn::Equals": lambda v: self.of(v[0]) == self.of(v[1])}

    def of(self, value):
        if isinstance(value, dict):
            (name, below), *more = value.items() or [("", None)]
            if not more and name in self.functions:
                return self.functions[name](below)
            return {str(k): self.of(v) for k, v in value.items()}
        if isinstance(value, list):
            return [v for v in map(self.of, value) if v is not NO_VALUE]
        return value

    def ref(self, name):
        return NO_VALUE if name == "AWS::NoValue" else self.values[name]

    def sub(self, text):
        return re.sub(r"\$\{([\w:]+)\}", lambda found: self.values[found[1]], text)

    def join(self, value):
        return value[0].join(self.of(value[1]))

    def split(self, value):
        return self.of(value[1]).split(value[0])

    def choose(self, value):
        name, yes, no = value
        return self.of(yes if self.of(self.template["Conditions"][name]) else no)


def policies(template, role, **given):
    """Name and document of each of a role's policies: its own, and the managed ones by the last word of their names."""
    resolver = Resolver(template, given)
    role = template["Resources"][role]["Properties"]
    managed = [template["Resources"][arn["Ref"]]["Properties"] for arn in role.get("ManagedPolicyArns", [])]
    made = {p["PolicyName"]: p["PolicyDocument"] for p in resolver.of(role.get("Policies", []))}
    names = [resolver.of(p["ManagedPolicyName"]).rpartition("-")[2] for p in managed]
    return made | {name: resolver.of(p["PolicyDocument"]) for name, p in zip(names, managed, strict=True)}
